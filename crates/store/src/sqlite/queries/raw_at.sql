SELECT sealed FROM raw WHERE seq = ?1 AND tenant = ?2
