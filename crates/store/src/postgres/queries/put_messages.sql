INSERT INTO message (tenant, message, seq)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (tenant, message) DO UPDATE SET seq = excluded.seq
