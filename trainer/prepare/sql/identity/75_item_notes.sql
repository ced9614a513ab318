-- Changes to item ids by kind, with an example.
SELECT
    CASE
        WHEN told = item_id THEN 'ambiguous'
        WHEN zeros THEN 'zeros'
        ELSE 'floats'
    END AS kind,
    count(DISTINCT told) AS ids,
    count(DISTINCT told) FILTER (WHERE input = 'items') AS ids_of_items,
    sum(events) FILTER (WHERE input <> 'items') AS events,
    min(told) AS told,
    first_value(item_id ORDER BY told) AS item_id
FROM item_forms
WHERE told <> item_id
    -- Two forms that the catalogue both lists are two items.
    OR (ambiguous AND input <> 'items' AND told NOT IN (SELECT item_id FROM item_ids WHERE input = 'items'))
GROUP BY 1
ORDER BY 1
