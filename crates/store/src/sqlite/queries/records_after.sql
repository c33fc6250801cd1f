SELECT seq, tenant, stream, version, body FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2
