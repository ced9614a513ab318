SELECT
    count(*) AS items,
    count(*) FILTER (WHERE events = 0) AS without_events,
    count(title) AS with_title,
    count(category) AS with_category,
    count(price) AS with_price,
    count(image) AS with_image,
    count(*) FILTER (WHERE in_stock) AS in_stock,
    count(*) FILTER (WHERE in_stock IS NULL) AS of_unknown_stock,
    count(*) FILTER (WHERE NOT listed) AS unlisted,
    coalesce(sum(events) FILTER (WHERE NOT listed), 0) AS events_of_unlisted,
    min(item_id) FILTER (WHERE NOT listed) AS an_unlisted
FROM items
