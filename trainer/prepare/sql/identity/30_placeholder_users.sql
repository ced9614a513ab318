-- Users whose id is a placeholder or was said to be one, with what else could place their rows.
SELECT
    v.user_id,
    sum(v.events) AS events,
    sum(v.events) FILTER (WHERE v.session_id IS NOT NULL AND z.session_id IS NULL) AS in_sessions,
    sum(v.events) FILTER (
        WHERE v.order_id IS NOT NULL AND (v.session_id IS NULL OR z.session_id IS NOT NULL)
    ) AS in_orders_alone,
    sum(v.events) FILTER (WHERE v.order_id IS NOT NULL) AS in_orders
FROM visits v
LEFT JOIN placeholders p ON lower(v.user_id) = p.word
LEFT JOIN said_nobody s ON v.user_id = s.word
LEFT JOIN no_sessions z ON v.session_id = z.session_id
WHERE p.word IS NOT NULL OR s.word IS NOT NULL OR regexp_like(v.user_id, '^[0-]+$')
GROUP BY v.user_id
ORDER BY events DESC, v.user_id
