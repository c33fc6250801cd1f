INSERT INTO effect (tenant, effect, seq, stream, body, traceparent) VALUES /*rows*/
ON CONFLICT (tenant, effect) DO UPDATE
SET seq = excluded.seq, stream = excluded.stream, body = excluded.body, traceparent = excluded.traceparent
