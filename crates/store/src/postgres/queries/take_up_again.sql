UPDATE meta SET session = session + 1 WHERE epoch = $1 RETURNING session, head
