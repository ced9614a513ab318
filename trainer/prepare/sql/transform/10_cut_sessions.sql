-- Sessions: the source's own where it has them; else a visitor's events up to a pause of
-- $session_gap seconds; without times, all of a visitor's events. The rule is that of the device
-- (core/src/session.rs), which counts in whole seconds.
WITH keyed AS (
    SELECT
        *,
        CASE WHEN session_id IS NOT NULL THEN 's' || session_id ELSE 'u' || user_id END AS visit,
        -- Positions count within sessions; without one, only the time orders.
        CASE WHEN session_id IS NOT NULL THEN position END AS place_told
    FROM history
),
followed AS (
    SELECT
        *,
        lag(visit) OVER in_order AS visit_before,
        lag(ts) OVER in_order AS ts_before
    FROM keyed
    WINDOW in_order AS (ORDER BY visit, place_told, ts, position, source_row)
)
SELECT
    source_row,
    user_id,
    session_id,
    item_id,
    ts,
    action,
    price,
    quantity,
    split,
    sum(CASE
        WHEN visit_before IS NULL OR visit <> visit_before THEN 1
        WHEN session_id IS NULL AND ts / 1000 - ts_before / 1000 > $session_gap THEN 1
        ELSE 0
    END) OVER (
        ORDER BY visit, place_told, ts, position, source_row
        ROWS UNBOUNDED PRECEDING
    ) AS session,
    row_number() OVER (ORDER BY visit, place_told, ts, position, source_row) AS place
FROM followed
