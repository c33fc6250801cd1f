INSERT INTO raw (seq, tenant, sealed) VALUES (?1, ?2, ?3)
