SELECT body FROM mark WHERE tenant = ?1 AND key = ?2
