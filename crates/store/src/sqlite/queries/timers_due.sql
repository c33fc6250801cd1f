SELECT tenant, stream, timer, due_second, due_nano FROM timer
WHERE (due_second, due_nano) <= (?1, ?2)
ORDER BY due_second, due_nano, tenant, stream, timer
LIMIT ?3
