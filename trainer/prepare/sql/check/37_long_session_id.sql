SELECT min(session_id) AS session_id, min(user_id) AS user_id FROM cut WHERE session = $session
