INSERT INTO link (tenant, system, kind, value, stream) VALUES /*rows*/
ON CONFLICT (tenant, system, kind, value) DO UPDATE SET stream = excluded.stream
