-- The rows with ids of users, sessions and orders as whole numbers where they passed through a column
-- of floats: a program that meets a gap writes 17850 as 17850.0.
SELECT
    * REPLACE (
        CASE
            WHEN user_id LIKE '%.0' THEN regexp_replace(user_id, '^([0-9]+)[.]0$', '\1')
            ELSE user_id
        END AS user_id,
        CASE
            WHEN session_id LIKE '%.0' THEN regexp_replace(session_id, '^([0-9]+)[.]0$', '\1')
            ELSE session_id
        END AS session_id,
        CASE
            WHEN order_id LIKE '%.0' THEN regexp_replace(order_id, '^([0-9]+)[.]0$', '\1')
            ELSE order_id
        END AS order_id
    ),
    user_id LIKE '%.0' AND regexp_like(user_id, '^[0-9]+[.]0$') AS user_was_float,
    session_id LIKE '%.0' AND regexp_like(session_id, '^[0-9]+[.]0$') AS session_was_float
FROM read_rows
