-- The lines with what their order tells; a line's own columns stand above it. A line whose order is
-- not there has neither customer nor time nor state, and its order tells of no visitor.
SELECT l.* REPLACE (
    CASE WHEN o.order_id IS NOT NULL THEN l.order_id END AS order_id,
    coalesce(l.user_id, o.user_id) AS user_id,
    coalesce(l.session_id, o.session_id) AS session_id,
    coalesce(l."timestamp", o."timestamp") AS "timestamp",
    coalesce(l.rule, o.rule) AS rule,
    CASE WHEN l.rule IS NULL THEN o.reason ELSE l.reason END AS reason
)
FROM order_lines l
LEFT JOIN orders_by_id o ON l.order_id = o.order_id
