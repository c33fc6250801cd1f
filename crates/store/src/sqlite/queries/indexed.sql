SELECT indexed FROM meta
