UPDATE meta SET epoch = epoch + 1, session = session + 1, owner = $1 RETURNING epoch, session, head
