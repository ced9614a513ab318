-- Events per $bucket milliseconds.
SELECT
    CAST(ts AS BIGINT) / $bucket AS bucket,
    count(*) FILTER (WHERE split = 'train') AS train,
    count(*) FILTER (WHERE split = 'valid') AS valid,
    count(*) FILTER (WHERE split = 'test') AS test
FROM events
WHERE ts IS NOT NULL
GROUP BY CAST(ts AS BIGINT) / $bucket
ORDER BY bucket
