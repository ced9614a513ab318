SELECT sum(events) AS events FROM visits
