-- Ids that a spreadsheet rounded (4.00638E+12), by the column that holds them, with an example.
SELECT input, name, count(DISTINCT id) AS ids, sum(events) AS events, min(id) AS example
FROM (
    SELECT input, 'user_id' AS name, user_id AS id, events FROM visits WHERE user_id LIKE '%+%'
    UNION ALL
    SELECT input, 'session_id', session_id, events FROM visits WHERE session_id LIKE '%+%'
    UNION ALL
    SELECT input, 'order_id', order_id, events FROM visits WHERE order_id LIKE '%+%'
    UNION ALL
    SELECT input, 'item_id', item_id, events FROM item_ids WHERE item_id LIKE '%+%'
)
WHERE regexp_like(id, '^[0-9]([.,][0-9]+)?[eE][+][0-9]+$')
GROUP BY input, name
ORDER BY events DESC
