SELECT min(started) AS test_from FROM session_parts WHERE part = 2 AND NOT $has_split
