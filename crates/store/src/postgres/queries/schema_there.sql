SELECT to_regclass(format('%I.meta', $1::text)) IS NOT NULL
