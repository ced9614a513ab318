-- Items with events that the items file knows, with an id of each side: the unknown item with the
-- most events, and an item of the file without any.
WITH sold AS (
    SELECT item_id, count(*) AS events FROM history GROUP BY item_id
),
joined AS (
    SELECT s.item_id, s.events, t.item_id IS NOT NULL AS known
    FROM sold s
    LEFT JOIN items_told t ON s.item_id = t.item_id
)
SELECT
    count(*) AS items,
    count(*) FILTER (WHERE known) AS known,
    sum(events) AS events,
    coalesce(sum(events) FILTER (WHERE known), 0) AS known_events,
    first_value(item_id ORDER BY known, events DESC, item_id) AS unknown_item,
    (
        SELECT min(t.item_id)
        FROM items_told t
        LEFT ANTI JOIN sold s ON t.item_id = s.item_id
    ) AS item_without_events
FROM joined
