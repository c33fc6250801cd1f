SELECT seq, tenant, stream, version, body FROM record WHERE tenant = $1 AND seq = ANY ($2)
