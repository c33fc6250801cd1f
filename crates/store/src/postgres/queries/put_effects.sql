INSERT INTO effect (tenant, effect, seq, stream, body, traceparent)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::text[])
ON CONFLICT (tenant, effect) DO UPDATE
SET seq = excluded.seq, stream = excluded.stream, body = excluded.body, traceparent = excluded.traceparent
