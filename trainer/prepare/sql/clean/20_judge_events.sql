-- Each event with the first rule that it breaks by itself, or NULL.
WITH timed AS (
    SELECT
        *,
        "timestamp" + CASE
            WHEN abs(time_offset) < 1e12 THEN CAST(time_offset AS BIGINT)
            ELSE 0
        END AS ts_with_offset
    FROM events_collected
),
judged AS (
    SELECT
        e.source_row,
        e.file,
        e.line,
        e.user_id,
        e.session_id,
        e.item_id,
        coalesce(e.ts_with_offset, e."timestamp") AS ts,
        e.action,
        e.rating,
        e.price,
        e.quantity,
        e.position,
        e.split,
        e.reason AS read_reason,
        CASE
            WHEN e.rule IS NOT NULL THEN e.rule
            WHEN e.item_id IS NULL THEN 'missing_item'
            WHEN e.user_id IS NULL AND e.session_id IS NULL THEN 'missing_visitor'
            WHEN e.action = 4 THEN 'ignored_action'
            WHEN e.action = 3 OR e.quantity < 0 THEN 'returned'
            WHEN $has_split AND e.split IS NULL THEN 'missing_split'
            WHEN $has_times AND e.session_id IS NULL AND e."timestamp" IS NULL THEN 'missing_time'
            WHEN coalesce(e.ts_with_offset, e."timestamp") < $earliest
                OR coalesce(e.ts_with_offset, e."timestamp") > $latest THEN 'impossible_time'
            WHEN e.price < 0 OR ($reject_free_purchases AND e.price = 0 AND e.action = 2)
                THEN 'impossible_price'
            WHEN e.rating < $min_rating THEN 'low_rating'
            WHEN n.item_id IS NOT NULL THEN 'not_a_product'
        END AS rule
    FROM timed e
    LEFT JOIN not_products n ON e.item_id = n.item_id
)
SELECT
    source_row,
    file,
    line,
    user_id,
    session_id,
    item_id,
    ts,
    action,
    rating,
    price,
    quantity,
    position,
    split,
    rule,
    CASE rule
        WHEN 'missing_item' THEN 'item_id is missing'
        WHEN 'missing_visitor' THEN 'neither user_id, session_id nor order_id is given'
        WHEN 'ignored_action' THEN 'the mapping says to ignore this action'
        WHEN 'returned' THEN 'a return or a removal takes an earlier event back'
        WHEN 'missing_split' THEN 'other events say whether they are for training or for testing, this one does not'
        WHEN 'missing_time' THEN 'neither a session nor a time says where it belongs'
        WHEN 'impossible_time' THEN CASE
            WHEN abs(ts) < 253402300800000 THEN 'time ' || CAST(to_timestamp_millis(ts) AS VARCHAR)
                || ' is before ' || CAST(to_timestamp_millis($earliest) AS VARCHAR)
                || ' or after ' || CAST(to_timestamp_millis($latest) AS VARCHAR)
            ELSE 'the time lies outside the calendar'
        END
        WHEN 'impossible_price' THEN 'price ' || CAST(price AS VARCHAR)
            || ' is negative, or nothing for a purchase'
        WHEN 'low_rating' THEN 'rating ' || CAST(rating AS VARCHAR)
            || ' is below ' || CAST($min_rating AS VARCHAR)
        WHEN 'not_a_product' THEN 'the items file says that this is not a product'
        ELSE read_reason
    END AS reason
FROM judged
