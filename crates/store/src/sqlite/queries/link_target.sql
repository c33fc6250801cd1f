SELECT stream FROM link WHERE tenant = ?1 AND system = ?2 AND kind = ?3 AND value = ?4
