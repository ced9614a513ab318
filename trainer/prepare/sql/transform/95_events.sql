-- events.parquet.
SELECT
    n.session_id,
    p.session_id AS source_session,
    p.user_id,
    row_number() OVER (PARTITION BY n.session_id ORDER BY p.place) - 1 AS position,
    p.item_id,
    p.ts,
    p.action,
    CASE p.part WHEN 0 THEN 'train' WHEN 1 THEN 'valid' ELSE 'test' END AS split,
    nullif(p.price, 0) AS price,
    p.quantity
FROM placed p
JOIN numbered n ON p.session = n.session
WHERE p.rule IS NULL
ORDER BY n.session_id, p.place
