INSERT INTO mark (tenant, key, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
ON CONFLICT (tenant, key) DO UPDATE SET body = excluded.body
