-- Every item id of each input, with its rows.
SELECT 'events' AS input, item_id, count(*) AS events
FROM events_read
WHERE rule IS NULL AND item_id IS NOT NULL
GROUP BY item_id
UNION ALL
SELECT 'orders', item_id, count(*)
FROM orders_read
WHERE rule IS NULL AND item_id IS NOT NULL
GROUP BY item_id
UNION ALL
SELECT 'items', item_id, count(*)
FROM items_read
WHERE rule IS NULL AND item_id IS NOT NULL
GROUP BY item_id
