INSERT INTO record (seq, tenant, stream, version, body) VALUES (?1, ?2, ?3, ?4, ?5)
