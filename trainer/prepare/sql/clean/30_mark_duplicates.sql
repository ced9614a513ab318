-- Exact duplicates: the same in every column that was read. The first stays.
-- Without a time or a position nothing tells a duplicate from a visitor who came back.
--
-- Sorted, a duplicate follows its original. A window over the whole sort compares neighbours; one
-- that is partitioned by all columns says the same in three times the time, for it has as many
-- partitions as there are events.
WITH neighbours AS (
    SELECT
        *,
        lag(source_row) OVER sorted AS row_before,
        lag(rule) OVER sorted AS rule_before,
        lag(item_id) OVER sorted AS item_before,
        lag(ts) OVER sorted AS ts_before,
        lag(user_id) OVER sorted AS user_before,
        lag(session_id) OVER sorted AS session_before,
        lag(action) OVER sorted AS action_before,
        lag(position) OVER sorted AS position_before,
        lag(price) OVER sorted AS price_before,
        lag(quantity) OVER sorted AS quantity_before,
        lag(rating) OVER sorted AS rating_before,
        lag(split) OVER sorted AS split_before
    FROM events_checked
    WINDOW sorted AS (
        ORDER BY
            item_id, ts, user_id, session_id, action, position, price, quantity, rating, split,
            rule, source_row
    )
),
marked AS (
    SELECT
        *,
        rule IS NULL
        AND (ts IS NOT NULL OR position IS NOT NULL)
        AND row_before IS NOT NULL
        AND rule_before IS NULL
        AND (item_before IS NOT DISTINCT FROM item_id)
        AND (ts_before IS NOT DISTINCT FROM ts)
        AND (user_before IS NOT DISTINCT FROM user_id)
        AND (session_before IS NOT DISTINCT FROM session_id)
        AND (action_before IS NOT DISTINCT FROM action)
        AND (position_before IS NOT DISTINCT FROM position)
        AND (price_before IS NOT DISTINCT FROM price)
        AND (quantity_before IS NOT DISTINCT FROM quantity)
        AND (rating_before IS NOT DISTINCT FROM rating)
        AND (split_before IS NOT DISTINCT FROM split) AS is_copy
    FROM neighbours
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
    price,
    quantity,
    position,
    split,
    CASE WHEN is_copy THEN 'duplicate' ELSE rule END AS rule,
    CASE WHEN is_copy THEN 'the same event stands in the source already' ELSE reason END AS reason
FROM marked
