DELETE FROM effect USING unnest($1::text[], $2::text[]) AS gone (tenant, effect)
WHERE effect.tenant = gone.tenant AND effect.effect = gone.effect
