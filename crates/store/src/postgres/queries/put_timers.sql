INSERT INTO timer (tenant, stream, timer, due_second, due_nano)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[])
ON CONFLICT (tenant, stream, timer) DO UPDATE SET due_second = excluded.due_second, due_nano = excluded.due_nano
