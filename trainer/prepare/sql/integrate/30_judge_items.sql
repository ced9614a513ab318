-- Rows of the items file that can't be used.
SELECT
    source_row,
    coalesce(rule, 'missing_item') AS rule,
    coalesce(reason, 'item_id is missing') AS reason
FROM items_collected
WHERE rule IS NOT NULL OR item_id IS NULL
