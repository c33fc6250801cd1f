SELECT seq FROM message WHERE tenant = ?1 AND message = ?2
