-- Exact duplicates: the same in every column that was read. The first stays.
-- Without a time or a position nothing tells a duplicate from a visitor who came back.
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY
                rule, user_id, session_id, item_id, ts, action, rating, price, quantity, position, split
            ORDER BY source_row
        ) AS copy
    FROM events_checked
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
    CASE
        WHEN rule IS NULL AND copy > 1 AND (ts IS NOT NULL OR position IS NOT NULL) THEN 'duplicate'
        ELSE rule
    END AS rule,
    CASE
        WHEN rule IS NULL AND copy > 1 AND (ts IS NOT NULL OR position IS NOT NULL)
            THEN 'the same event stands in the source already'
        ELSE reason
    END AS reason
FROM numbered
