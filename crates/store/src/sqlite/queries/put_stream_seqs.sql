INSERT INTO stream_seq (tenant, stream, seq) VALUES /*rows*/ ON CONFLICT DO NOTHING
