-- Items with too few events to learn from.
SELECT item_id, count(*) AS events
FROM people
GROUP BY item_id
HAVING count(*) < $min_item_events
