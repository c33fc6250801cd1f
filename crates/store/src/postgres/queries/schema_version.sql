SELECT schema_version FROM meta
