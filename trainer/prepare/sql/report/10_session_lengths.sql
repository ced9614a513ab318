SELECT length, count(*) AS sessions FROM numbered GROUP BY length ORDER BY length
