DELETE FROM timer USING unnest($1::text[], $2::text[], $3::text[]) AS gone (tenant, stream, timer)
WHERE timer.tenant = gone.tenant AND timer.stream = gone.stream AND timer.timer = gone.timer
