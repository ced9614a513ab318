-- Test events whose item training never saw: no model can get them right without knowing the item
-- from elsewhere.
SELECT count(*) AS events
FROM events e
LEFT ANTI JOIN (SELECT DISTINCT item_id FROM events WHERE split = 'train') t ON e.item_id = t.item_id
WHERE e.split = 'test'
