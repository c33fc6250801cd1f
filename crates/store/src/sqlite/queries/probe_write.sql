UPDATE meta SET owner = owner
