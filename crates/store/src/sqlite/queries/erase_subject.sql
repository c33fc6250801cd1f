DELETE FROM subject_key WHERE tenant = ?1 AND subject = ?2
