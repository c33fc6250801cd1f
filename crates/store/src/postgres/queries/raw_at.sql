SELECT sealed FROM raw WHERE tenant = $1 AND seq = $2
