INSERT INTO blob (tenant, name, body) VALUES (?1, ?2, ?3) ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body
