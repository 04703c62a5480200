SELECT json_build_object('data', json_build_object('nearbyStores', json_build_object(
           'edges', coalesce(json_agg(
               json_build_object('distanceMeters', round(2 * 6371008.8 * asin(least(e.chord, 2) / 2)), 'node', e.node)
           ) FILTER (WHERE e.place <= $first), '[]'),
           'pageInfo', json_build_object(
               'hasNextPage', count(*) > $first,
               'endCursor', rtrim(translate(encode(
                   $marker || '\x66' || float8send((array_agg(e.chord))[least(count(*), $first)])
                           || '\x69' || int8send((array_agg(e.id))[least(count(*), $first)]),
                   'base64'), '+/', '-_'), '=')))))::text AS answer
  FROM (
    SELECT s.id, s.chord, row_number() OVER (ORDER BY s.chord, s.id) AS place,
           json_build_object(
               'id', rtrim(encode(convert_to('Store:' || s.id, 'UTF8'), 'base64'), '='),
               'name', s.name,
               'category', json_build_object('name', c.name_fa),
               'address', s.address,
               'city', s.city,
               'phones', s.phones,
               'location', json_build_object('latitude', s.latitude, 'longitude', s.longitude),
               'openNow', CASE
                   WHEN NOT EXISTS (
                       SELECT FROM store_opening_exception x
                        WHERE x.store_id = s.id AND x.on_date BETWEEN $today - 1 AND $today)
                   THEN EXISTS (
                       SELECT FROM store_opening_period p
                        WHERE p.store_id = s.id
                          AND ((p.weekday = $weekday AND (s.open_on_holidays OR NOT $holiday)
                                AND p.opens_minute <= $minute AND $minute < p.closes_minute)
                            OR (p.weekday = ($weekday + 6) % 7 AND (s.open_on_holidays OR NOT $holiday_before)
                                AND p.opens_minute <= $minute + 1440 AND $minute + 1440 < p.closes_minute)))
                   ELSE (
                       SELECT bool_or(CASE
                                  WHEN x.id IS NULL THEN (s.open_on_holidays OR NOT d.holiday) AND EXISTS (
                                      SELECT FROM store_opening_period p
                                       WHERE p.store_id = s.id AND p.weekday = d.weekday
                                         AND p.opens_minute <= d.at AND d.at < p.closes_minute)
                                  ELSE EXISTS (
                                      SELECT FROM store_opening_exception_period p
                                       WHERE p.exception_id = x.id AND p.opens_minute <= d.at AND d.at < p.closes_minute)
                              END)
                         FROM (VALUES ($today, $weekday, $minute, $holiday),
                                      ($today - 1, ($weekday + 6) % 7, $minute + 1440, $holiday_before)
                              ) d (day, weekday, at, holiday)
                         LEFT JOIN store_opening_exception x ON x.store_id = s.id AND x.on_date = d.day)
               END,
               'terms', CASE WHEN s.max_months IS NOT NULL THEN json_build_object('maxMonths', s.max_months) END) AS node
      FROM (
        SELECT s.*, s.point <-> cube(ARRAY[$x, $y, $z]) AS chord
          FROM store s
         WHERE s.state = 'ACTIVE' AND s.kind = 'STORE'
         ORDER BY s.point <-> cube(ARRAY[$x, $y, $z]), s.id
         LIMIT $first + 1
      ) s
      JOIN store_category c ON c.id = s.category_id
     WHERE s.chord <= $chord_limit
     ORDER BY s.chord, s.id
  ) e
