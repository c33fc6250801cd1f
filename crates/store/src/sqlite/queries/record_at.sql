SELECT seq, tenant, stream, version, body FROM record WHERE seq = ?1 AND tenant = ?2
