-- What the items file lists but nobody can put on a shelf: postage, fees, manual lines.
SELECT item_id FROM items_told WHERE NOT is_product
