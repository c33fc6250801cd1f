SELECT name, version, shape FROM view_version ORDER BY name
