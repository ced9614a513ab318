-- Rows with ids that mean one thing each: a user is a person, a session one visit, an item one article.
-- Guests keep their session; a guest's order is a visit of its own.
WITH known AS (
    SELECT
        p.* REPLACE (
            CASE WHEN n.user_id IS NULL THEN p.user_id END AS user_id,
            CASE WHEN z.session_id IS NULL THEN p.session_id END AS session_id,
            coalesce(i.item_id, p.item_id) AS item_id,
            coalesce(p.rule, i.rule) AS rule,
            coalesce(p.reason, i.reason) AS reason
        ),
        n.user_id AS placeholder_user,
        z.session_id AS placeholder_session
    FROM plain_rows p
    LEFT JOIN nobody n ON p.user_id = n.user_id
    LEFT JOIN no_sessions z ON p.session_id = z.session_id
    LEFT JOIN same_items i ON p.item_id = i.told
),
placed AS (
    SELECT
        k.* REPLACE (
            CASE
                WHEN $session_per_user AND session_id IS NOT NULL AND user_id IS NOT NULL
                    THEN session_id || ' of ' || user_id
                WHEN session_id IS NOT NULL AND NOT $session_per_user THEN session_id
                WHEN user_id IS NULL AND order_id IS NOT NULL THEN 'order ' || order_id
            END AS session_id
        ),
        session_id AS told_session
    FROM known k
)
SELECT * REPLACE (
    CASE
        WHEN rule IS NOT NULL THEN rule
        WHEN user_id IS NULL AND session_id IS NULL
            AND coalesce(placeholder_user, placeholder_session, told_session) IS NOT NULL
            THEN 'unplaced_visitor'
    END AS rule,
    CASE
        WHEN rule IS NOT NULL THEN reason
        WHEN user_id IS NULL AND session_id IS NULL THEN CASE
            WHEN told_session IS NOT NULL
                THEN 'session ' || told_session || ' counts by user, and no user is named'
            WHEN placeholder_user IS NOT NULL
                THEN 'user ''' || placeholder_user || ''' stands for nobody, and neither a session nor an order says whose the row is; name their columns with --column session_id=COLUMN or order_id=COLUMN'
            WHEN placeholder_session IS NOT NULL
                THEN 'session ''' || placeholder_session || ''' stands for none, and no user is named'
        END
    END AS reason
)
FROM placed
