-- Each order line with the first rule that it breaks, or NULL.
WITH judged AS (
    SELECT
        o.source_row,
        o.order_id,
        o.user_id,
        o.session_id,
        o.item_id,
        o."timestamp" + CASE
            WHEN abs(o.time_offset) < 1e12 THEN CAST(o.time_offset AS BIGINT)
            ELSE 0
        END AS shifted,
        o."timestamp" AS told,
        o.price,
        o.quantity,
        o.rule,
        o.reason,
        k.item_id IS NULL AS unknown
    FROM orders_collected o
    LEFT JOIN known_items k ON o.item_id = k.item_id
)
SELECT
    source_row,
    order_id,
    user_id,
    session_id,
    item_id,
    coalesce(shifted, told) AS ts,
    price,
    quantity,
    CASE
        WHEN rule IS NOT NULL THEN rule
        WHEN item_id IS NULL THEN 'missing_item'
        WHEN user_id IS NULL AND session_id IS NULL THEN 'missing_visitor'
        WHEN quantity < 0 THEN 'returned'
        WHEN coalesce(shifted, told) < $earliest OR coalesce(shifted, told) > $latest THEN 'impossible_time'
        WHEN price < 0 OR ($reject_free_purchases AND price = 0) THEN 'impossible_price'
        WHEN $has_times AND session_id IS NULL AND told IS NULL THEN 'missing_time'
        WHEN unknown THEN 'unknown_item'
    END AS rule,
    CASE
        WHEN rule IS NOT NULL THEN reason
        WHEN item_id IS NULL THEN 'item_id is missing'
        WHEN user_id IS NULL AND session_id IS NULL THEN 'neither user_id, session_id nor order_id is given'
        WHEN quantity < 0 THEN 'a return takes an earlier purchase back'
        WHEN coalesce(shifted, told) < $earliest OR coalesce(shifted, told) > $latest THEN 'the time is impossible'
        WHEN price < 0 OR ($reject_free_purchases AND price = 0)
            THEN 'price ' || CAST(price AS VARCHAR) || ' is impossible'
        WHEN $has_times AND session_id IS NULL AND told IS NULL
            THEN 'neither a session nor a time says where it belongs'
        WHEN unknown THEN 'item ''' || item_id || ''' is neither in the events nor in the items file'
    END AS reason
FROM judged
