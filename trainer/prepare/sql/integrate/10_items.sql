-- One row per item of the items file: of each property, the latest value that is not missing.
-- A catalogue may have one column per property, or one row per property.
WITH properties AS (
    SELECT
        source_row,
        item_id,
        title,
        coalesce(category, CASE WHEN property = 'categoryid' THEN "value" END) AS category,
        CASE WHEN price > 0 THEN price END AS price,
        image,
        coalesce(in_stock, CASE WHEN property = 'available' THEN "value" = '1' END) AS in_stock,
        is_product,
        "timestamp" AS told
    FROM items_collected
    WHERE rule IS NULL AND item_id IS NOT NULL
)
SELECT
    item_id,
    last_value(title ORDER BY told, source_row) FILTER (WHERE title IS NOT NULL) AS title,
    last_value(category ORDER BY told, source_row) FILTER (WHERE category IS NOT NULL) AS category,
    last_value(price ORDER BY told, source_row) FILTER (WHERE price IS NOT NULL) AS price,
    last_value(image ORDER BY told, source_row) FILTER (WHERE image IS NOT NULL) AS image,
    last_value(in_stock ORDER BY told, source_row) FILTER (WHERE in_stock IS NOT NULL) AS in_stock,
    coalesce(
        last_value(is_product ORDER BY told, source_row) FILTER (WHERE is_product IS NOT NULL),
        TRUE
    ) AS is_product
FROM properties
GROUP BY item_id
