-- The other order lines become purchases. One without a session joins the user's session that was
-- under way, or over for less than the session gap; where there is none it is cut like any event.
WITH lines AS (
    SELECT o.*
    FROM orders_judged o
    LEFT ANTI JOIN order_matches m ON o.source_row = m.order_row
    WHERE o.rule IS NULL
),
sessions AS (
    SELECT user_id, session_id, min(ts) AS started, max(ts) AS ended
    FROM events_clean
    WHERE user_id IS NOT NULL AND session_id IS NOT NULL AND ts IS NOT NULL
    GROUP BY user_id, session_id
),
hosts AS (
    SELECT
        l.source_row,
        s.session_id,
        row_number() OVER (PARTITION BY l.source_row ORDER BY s.started DESC, s.session_id) AS choice
    FROM lines l
    JOIN sessions s ON l.user_id = s.user_id
    WHERE l.session_id IS NULL AND l.ts >= s.started AND l.ts / 1000 <= s.ended / 1000 + $session_gap
)
SELECT
    l.source_row,
    l.user_id,
    coalesce(l.session_id, h.session_id) AS session_id,
    l.item_id,
    l.ts,
    2 AS action,
    l.price,
    l.quantity,
    CAST(NULL AS BIGINT) AS position,
    CAST(NULL AS INT) AS split
FROM lines l
LEFT JOIN hosts h ON l.source_row = h.source_row AND h.choice = 1
