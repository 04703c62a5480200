SELECT json_build_object('data', json_build_object('me', json_build_object(
           'unreadNoticeCount', (SELECT count(*) FROM notice WHERE member_id = $member_id AND read_at IS NULL),
           'notices', json_build_object(
               'edges', coalesce(json_agg(json_build_object('node', e.node)) FILTER (WHERE e.place <= $first), '[]'),
               'pageInfo', json_build_object(
                   'hasNextPage', count(*) > $first,
                   'endCursor', (array_agg(e.cursor))[least(count(*), $first)])))))::text AS answer
  FROM (
    SELECT row_number() OVER (ORDER BY n.created_at DESC, n.id DESC) AS place,
           rtrim(translate(encode(
               $marker || '\x69' || int8send((date_part('epoch', n.created_at) * 1000000)::bigint)
                       || '\x69' || int8send(n.id), 'base64'), '+/', '-_'), '=') AS cursor,
           json_build_object(
               'id', rtrim(encode(convert_to('Notice:' || n.member_id || ':' || n.id, 'UTF8'), 'base64'), '='),
               'category', n.category,
               'title', n.title,
               'body', n.body,
               'deepLink', n.deep_link,
               'createdAt', replace(to_char(n.created_at, 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'), '.000000Z', 'Z'),
               'readAt', replace(to_char(n.read_at, 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'), '.000000Z', 'Z')) AS node
      FROM notice n
     WHERE n.member_id = $member_id
     ORDER BY n.created_at DESC, n.id DESC
     LIMIT $first + 1
  ) e
