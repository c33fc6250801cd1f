INSERT INTO message (tenant, message, seq) VALUES /*rows*/ ON CONFLICT (tenant, message) DO UPDATE SET seq = excluded.seq
