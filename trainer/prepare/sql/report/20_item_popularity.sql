SELECT events, count(*) AS items FROM items WHERE events > 0 GROUP BY events ORDER BY events DESC
