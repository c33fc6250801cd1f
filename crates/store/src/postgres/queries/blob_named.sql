SELECT body FROM blob WHERE tenant = $1 AND name = $2
