-- Rows of the items file under the ids that the events use.
SELECT i.* REPLACE (
    coalesce(s.item_id, i.item_id) AS item_id,
    coalesce(i.rule, s.rule) AS rule,
    coalesce(i.reason, s.reason) AS reason
)
FROM items_read i
LEFT JOIN same_items s ON i.item_id = s.told
