-- The lines with what their order tells; a line's own columns stand above it.
SELECT l.* REPLACE (
    coalesce(l.user_id, o.user_id) AS user_id,
    coalesce(l.session_id, o.session_id) AS session_id,
    coalesce(l."timestamp", o."timestamp") AS "timestamp",
    coalesce(l.rule, o.rule) AS rule,
    CASE WHEN l.rule IS NULL THEN o.reason ELSE l.reason END AS reason
)
FROM order_lines l
LEFT JOIN orders_by_id o ON l.order_id = o.order_id
