INSERT INTO view_version (name, version, shape) VALUES (?1, ?2, ?3)
