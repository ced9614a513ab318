SELECT item_id, title, category, price, events, views, adds, buys
FROM items
WHERE events > 0
ORDER BY events DESC, item_id
LIMIT 20
