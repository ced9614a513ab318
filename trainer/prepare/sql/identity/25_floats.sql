-- Rows with a user or a session that was written as a float.
SELECT sum(user_floats) AS users, sum(session_floats) AS sessions FROM visits
