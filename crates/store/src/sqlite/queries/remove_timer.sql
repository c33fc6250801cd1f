DELETE FROM timer WHERE tenant = ?1 AND stream = ?2 AND timer = ?3
