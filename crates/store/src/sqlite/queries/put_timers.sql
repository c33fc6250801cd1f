INSERT INTO timer (tenant, stream, timer, due_second, due_nano) VALUES /*rows*/
ON CONFLICT (tenant, stream, timer) DO UPDATE SET due_second = excluded.due_second, due_nano = excluded.due_nano
