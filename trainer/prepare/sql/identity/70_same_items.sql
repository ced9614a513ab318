-- Item ids that are read as another, and ids that are none.
SELECT told, min(item_id) AS item_id, CAST(NULL AS VARCHAR) AS rule, CAST(NULL AS VARCHAR) AS reason
FROM item_forms
WHERE told <> item_id
GROUP BY told
UNION ALL
SELECT
    item_id AS told,
    item_id,
    'nested_id' AS rule,
    'item_id holds a nested value, not an id; name the field inside it' AS reason
FROM item_ids
WHERE regexp_like(item_id, '^(\{.*\}|\[.*[''":,\{].*\])$')
GROUP BY item_id
UNION ALL
SELECT
    item_id AS told,
    item_id,
    'header_row' AS rule,
    'the row repeats the names of the columns' AS reason
FROM item_ids
WHERE lower(item_id) IN (
    'item_id', 'itemid', 'item id', 'product_id', 'productid', 'product id', 'article_id',
    'stock_code', 'stockcode', 'parent_asin', 'sku', 'asin'
)
GROUP BY item_id
