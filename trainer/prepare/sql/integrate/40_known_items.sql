-- Every item that the behaviour or the items file names.
SELECT item_id FROM items_told WHERE is_product
UNION
SELECT item_id FROM events_clean
