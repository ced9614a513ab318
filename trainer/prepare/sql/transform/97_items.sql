-- items.parquet: what the items file tells, else what the events tell, and what happened to the
-- item. The two numeric features have mean 0 and variance 1 over the catalogue.
WITH behaviour AS (
    SELECT
        item_id,
        count(*) AS events,
        count(*) FILTER (WHERE action = 0) AS views,
        count(*) FILTER (WHERE action = 1) AS adds,
        count(*) FILTER (WHERE action = 2) AS buys,
        min(ts) AS first_seen,
        max(ts) AS last_seen,
        -- events.parquet keeps four bytes of a price; the digits beyond are noise.
        round(CAST(median(price) AS DOUBLE), 4) AS price
    FROM events
    GROUP BY item_id
),
told_by_events AS (
    SELECT
        item_id,
        last_value(title ORDER BY source_row) FILTER (WHERE title IS NOT NULL) AS title,
        last_value(category ORDER BY source_row) FILTER (WHERE category IS NOT NULL) AS category
    FROM events_collected
    WHERE rule IS NULL AND item_id IS NOT NULL AND (title IS NOT NULL OR category IS NOT NULL)
    GROUP BY item_id
),
catalogue AS (
    SELECT
        coalesce(i.item_id, b.item_id) AS item_id,
        i.title,
        i.category,
        coalesce(i.price, b.price) AS price,
        i.image,
        -- An item with events that the items file does not have is no longer sold. Where the file
        -- has a column for stock, an item without a word there is not claimed to be in stock.
        CASE
            WHEN $has_items AND i.item_id IS NULL THEN FALSE
            WHEN $has_stock THEN i.in_stock
            ELSE coalesce(i.in_stock, TRUE)
        END AS in_stock,
        NOT $has_items OR i.item_id IS NOT NULL AS listed,
        coalesce(b.events, 0) AS events,
        coalesce(b.views, 0) AS views,
        coalesce(b.adds, 0) AS adds,
        coalesce(b.buys, 0) AS buys,
        b.first_seen,
        b.last_seen
    FROM (SELECT * FROM items_told WHERE is_product) i
    FULL OUTER JOIN behaviour b ON i.item_id = b.item_id
),
moments AS (
    SELECT
        avg(ln(price)) AS price_mean,
        stddev_pop(ln(price)) AS price_deviation,
        avg(ln(events + 1.0)) AS popularity_mean,
        stddev_pop(ln(events + 1.0)) AS popularity_deviation
    FROM catalogue
)
SELECT
    c.item_id,
    coalesce(c.title, t.title) AS title,
    coalesce(c.category, t.category) AS category,
    c.price,
    c.image,
    c.in_stock,
    c.listed,
    c.events,
    c.views,
    c.adds,
    c.buys,
    c.first_seen,
    c.last_seen,
    CASE
        WHEN m.price_deviation > 1e-9 THEN (ln(c.price) - m.price_mean) / m.price_deviation
        WHEN c.price IS NOT NULL THEN 0.0
    END AS price_z,
    CASE
        WHEN m.popularity_deviation > 1e-9
            THEN (ln(c.events + 1.0) - m.popularity_mean) / m.popularity_deviation
        ELSE 0.0
    END AS popularity_z
FROM catalogue c
CROSS JOIN moments m
LEFT JOIN told_by_events t ON c.item_id = t.item_id
ORDER BY c.item_id
