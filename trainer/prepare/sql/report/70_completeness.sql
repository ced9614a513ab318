SELECT
    count(*) AS items,
    count(*) FILTER (WHERE events = 0) AS without_events,
    count(title) AS with_title,
    count(category) AS with_category,
    count(price) AS with_price,
    count(image) AS with_image,
    count(*) FILTER (WHERE in_stock) AS in_stock
FROM items
