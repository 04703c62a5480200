SELECT json_build_array(
           coalesce(m.net_pension_rials, 0), m.other_deductions_rials, line.most, line.used, line.waiting, line.dues
       )::text || chr(10) || json_build_object('data', json_build_object(
           'me', json_build_object(
               'id', rtrim(encode(convert_to('Member:' || m.id, 'UTF8'), 'base64'), '='),
               'firstName', m.first_name,
               'lastName', m.last_name,
               'credit', json_build_object('limit', line.most, 'available', -1),
               'nextInstalment', (
                   SELECT json_build_object(
                              'id', rtrim(encode(convert_to('Instalment:' || i.member_id || ':' || i.id, 'UTF8'), 'base64'), '='),
                              'dueMonth', to_char(i.due_month, 'FM0000"-"00'),
                              'amount', i.amount_rials,
                              'paidAmount', i.paid_rials,
                              'state', i.state,
                              'stateText', CASE i.state $instalment_state_texts END)
                     FROM instalment i
                    WHERE i.member_id = m.id AND i.$collectable
                    ORDER BY i.due_month, i.id LIMIT 1),
               'unreadNoticeCount', (SELECT count(*) FROM notice n WHERE n.member_id = m.id AND n.read_at IS NULL),
               'purchases', json_build_object('edges', coalesce((
                   SELECT json_agg(json_build_object('node', json_build_object(
                              'id', rtrim(encode(convert_to('Purchase:' || p.member_id || ':' || p.id, 'UTF8'), 'base64'), '='),
                              'amount', p.amount_rials,
                              'instalmentCount', p.instalment_count,
                              'state', p.state,
                              'stateText', CASE p.state $purchase_state_texts END,
                              'createdAt', replace(to_char(p.created_at, 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'), '.000000Z', 'Z'),
                              'store', json_build_object(
                                  'id', rtrim(encode(convert_to('Store:' || s.id, 'UTF8'), 'base64'), '='),
                                  'name', s.name)))
                              ORDER BY p.created_at DESC, p.id DESC)
                     FROM (SELECT * FROM purchase p WHERE p.member_id = m.id
                            ORDER BY p.created_at DESC, p.id DESC LIMIT 3) p
                     JOIN store s ON s.id = p.store_id), '[]'))),
           'nearbyStores', json_build_object(
               'edges', coalesce((
                   SELECT json_agg(json_build_object(
                              'distanceMeters', round(2 * 6371008.8 * asin(least(s.chord, 2) / 2)),
                              'node', json_build_object(
                                  'id', rtrim(encode(convert_to('Store:' || s.id, 'UTF8'), 'base64'), '='),
                                  'name', s.name,
                                  'category', json_build_object('name', c.name_fa),
                                  'address', s.address,
                                  'location', json_build_object('latitude', s.latitude, 'longitude', s.longitude)))
                              ORDER BY s.chord, s.id)
                     FROM (SELECT s.*, s.point <-> cube(ARRAY[$x, $y, $z]) AS chord
                             FROM store s
                            WHERE s.state = 'ACTIVE' AND s.kind = 'STORE'
                            ORDER BY s.point <-> cube(ARRAY[$x, $y, $z]), s.id LIMIT 5) s
                     JOIN store_category c ON c.id = s.category_id
                    WHERE s.chord <= $chord_limit), '[]'),
               'originUsed', json_build_object('latitude', $latitude, 'longitude', $longitude)),
           'loanRounds', coalesce((
               SELECT json_agg(json_build_object(
                          'id', rtrim(encode(convert_to('LoanRound:' || r.id, 'UTF8'), 'base64'), '='),
                          'title', r.title,
                          'amount', r.amount_rials,
                          'months', r.months,
                          'closesAt', replace(to_char(r.closes_at, 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'), '.000000Z', 'Z')))
                 FROM (SELECT * FROM loan_round r WHERE r.state = 'OPEN'
                        ORDER BY r.opens_at DESC, r.id DESC LIMIT 100) r), '[]')))::text AS answer
  FROM member m
 CROSS JOIN LATERAL (
    SELECT CASE WHEN m.state = 'ACTIVE' THEN least($credit_cap, $pension_multiple * coalesce(m.net_pension_rials, 0)) ELSE 0 END AS most,
           (SELECT coalesce(sum(p.principal_rials - p.paid_rials), 0)::bigint FROM plan p
             WHERE p.member_id = m.id AND p.state = 'RUNNING' AND p.kind = 'PURCHASE') AS used,
           (SELECT coalesce(json_agg(json_build_array(p.amount_rials, p.instalment_count) ORDER BY p.id), '[]') FROM purchase p
             WHERE p.member_id = m.id AND p.state = 'AWAITING_MEMBER' AND p.expires_at > now()) AS waiting,
           (SELECT coalesce(json_agg(json_build_array(d.due_month, d.rials, d.was_tried)
                                     ORDER BY d.due_month, d.was_tried), '[]') FROM (
               SELECT i.due_month, i.state IN ('PARTLY_PAID', 'OVERDUE') AS was_tried,
                      sum(i.amount_rials - i.paid_rials)::bigint AS rials
                 FROM instalment i WHERE i.member_id = m.id AND i.$collectable GROUP BY 1, 2) d) AS dues
 ) line
 WHERE m.id = $member_id
