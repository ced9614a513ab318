-- What kind of history this is: which of times, sessions, users, positions and splits it has.
SELECT
    count(*) AS events,
    count("timestamp") AS with_time,
    -- Times to the minute or the day only can't tell clicks per minute.
    count(*) FILTER (WHERE "timestamp" % 60000 <> 0) AS with_seconds,
    count(session_id) AS with_session,
    count(user_id) AS with_user,
    count(position) AS with_position,
    count(split) AS with_split
FROM events_collected
WHERE rule IS NULL
