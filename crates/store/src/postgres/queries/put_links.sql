INSERT INTO link (tenant, system, kind, value, stream)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (tenant, system, kind, value) DO UPDATE SET stream = excluded.stream
