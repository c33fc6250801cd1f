INSERT INTO blob (tenant, name, body)
SELECT $1, it.name, it.body FROM unnest($2::text[], $3::bytea[]) AS it (name, body)
ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body
