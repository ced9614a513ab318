-- The numbering of users: from 0 without gaps, as research data often are, 0 may be a person. A
-- guest's 0 has far more events than any customer.
WITH users AS (
    SELECT try_cast(user_id AS BIGINT) AS number, sum(events) AS events
    FROM visits
    WHERE user_id IS NOT NULL
    GROUP BY user_id
)
SELECT
    count(*) FILTER (WHERE number > 0) AS numbered,
    max(number) AS highest,
    count(*) FILTER (WHERE number IS NULL) AS unnumbered,
    max(events) FILTER (WHERE number > 0) AS most_of_others,
    max(events) FILTER (WHERE number = 0) AS of_zero
FROM users
