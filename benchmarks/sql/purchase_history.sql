SELECT json_build_object('data', json_build_object('me', json_build_object('purchases', json_build_object(
           'edges', coalesce(json_agg(json_build_object('cursor', e.cursor, 'node', e.node)) FILTER (WHERE e.place <= $first), '[]'),
           'pageInfo', json_build_object(
               'hasNextPage', count(*) > $first,
               'endCursor', (array_agg(e.cursor))[least(count(*), $first)])))))::text AS answer
  FROM (
    SELECT row_number() OVER (ORDER BY p.created_at DESC, p.id DESC) AS place,
           rtrim(translate(encode(
               $marker || '\x69' || int8send((date_part('epoch', p.created_at) * 1000000)::bigint)
                       || '\x69' || int8send(p.id), 'base64'), '+/', '-_'), '=') AS cursor,
           json_build_object(
               'id', rtrim(encode(convert_to('Purchase:' || p.member_id || ':' || p.id, 'UTF8'), 'base64'), '='),
               'createdAt', replace(to_char(p.created_at, 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'), '.000000Z', 'Z'),
               'amount', p.amount_rials,
               'instalmentCount', p.instalment_count,
               'state', p.state,
               'stateText', CASE p.state $purchase_state_texts END,
               'paidAmount', coalesce(plan.paid_rials, 0),
               'store', json_build_object(
                   'id', rtrim(encode(convert_to('Store:' || s.id, 'UTF8'), 'base64'), '='),
                   'name', s.name,
                   'category', json_build_object('name', c.name_fa))) AS node
      FROM purchase p
      JOIN store s ON s.id = p.store_id
      JOIN store_category c ON c.id = s.category_id
      LEFT JOIN plan ON plan.id = p.plan_id AND plan.member_id = p.member_id
     WHERE p.member_id = $member_id
     ORDER BY p.created_at DESC, p.id DESC
     LIMIT $first + 1
  ) e
