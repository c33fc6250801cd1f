SELECT tenant, stream, seq, body, traceparent FROM effect
WHERE (seq, effect) > ($1, $2)
ORDER BY seq, effect
LIMIT $3
