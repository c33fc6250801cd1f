SELECT seq FROM stream_seq WHERE tenant = $1 AND stream = $2 ORDER BY seq
