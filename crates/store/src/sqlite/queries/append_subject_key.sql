INSERT INTO subject_key (tenant, subject, wrapped) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
