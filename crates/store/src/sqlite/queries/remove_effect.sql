DELETE FROM effect WHERE tenant = ?1 AND effect = ?2
