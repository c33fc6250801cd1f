SELECT set_config('signalbox.tenants', $1, true)
