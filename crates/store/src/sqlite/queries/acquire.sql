UPDATE meta SET epoch = epoch + 1, owner = ?1 RETURNING epoch
