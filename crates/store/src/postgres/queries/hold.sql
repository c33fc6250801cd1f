SELECT head, indexed FROM meta WHERE epoch = $1 AND session = $2 FOR UPDATE
