INSERT INTO mark (tenant, key, body) VALUES /*rows*/ ON CONFLICT (tenant, key) DO UPDATE SET body = excluded.body
