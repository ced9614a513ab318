-- Items with events that have no title, with the one that has most events.
SELECT
    count(*) AS items,
    count(title) AS titled,
    first_value(item_id ORDER BY title IS NOT NULL, events DESC, item_id) AS item_id
FROM items
WHERE events > 0
