-- Item ids that are none, by rule, with an example.
SELECT s.rule, count(DISTINCT s.told) AS ids, sum(i.events) AS events, min(s.told) AS example
FROM same_items s
JOIN item_ids i ON s.told = i.item_id
WHERE s.rule IS NOT NULL
GROUP BY s.rule
ORDER BY s.rule
