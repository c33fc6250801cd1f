SELECT head, indexed FROM meta
