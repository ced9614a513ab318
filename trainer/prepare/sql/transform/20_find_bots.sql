-- Visitors too fast or too busy to be people, with the rule that found them. Purchases don't
-- count: all lines of a basket bear one time.
WITH clicks AS (
    SELECT coalesce('u' || user_id, 's' || session_id) AS visitor, ts, session
    FROM cut
    WHERE action < 2
),
fast AS (
    SELECT visitor, max(clicks) AS clicks
    FROM (
        SELECT visitor, ts / 60000 AS minute, count(*) AS clicks
        FROM clicks
        WHERE ts IS NOT NULL
        GROUP BY visitor, ts / 60000
    )
    WHERE clicks > $max_clicks_per_minute
    GROUP BY visitor
),
long_sessions AS (
    SELECT visitor, max(clicks) AS clicks
    FROM (SELECT visitor, session, count(*) AS clicks FROM clicks GROUP BY visitor, session)
    WHERE clicks > $max_clicks_per_session
    GROUP BY visitor
),
long_days AS (
    SELECT visitor, max(clicks) AS clicks
    FROM (
        SELECT visitor, ts / 86400000 AS day, count(*) AS clicks
        FROM clicks
        WHERE ts IS NOT NULL
        GROUP BY visitor, ts / 86400000
    )
    WHERE clicks > $max_clicks_per_day
    GROUP BY visitor
),
found AS (
    SELECT visitor, 1 AS preference, 'bot_by_rate' AS rule,
        'the visitor made ' || CAST(clicks AS VARCHAR) || ' clicks in one minute' AS reason
    FROM fast
    UNION ALL
    SELECT visitor, 2, 'bot_by_length',
        'the visitor made ' || CAST(clicks AS VARCHAR) || ' clicks in one session'
    FROM long_sessions
    UNION ALL
    SELECT visitor, 3, 'bot_by_length',
        'the visitor made ' || CAST(clicks AS VARCHAR) || ' clicks in one day'
    FROM long_days
)
SELECT
    visitor,
    first_value(rule ORDER BY preference) AS rule,
    first_value(reason ORDER BY preference) AS reason
FROM found
GROUP BY visitor
