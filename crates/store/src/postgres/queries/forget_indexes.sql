-- The epoch rises so that an owner who still folds into the old tables is fenced.
UPDATE meta SET indexed = 0, epoch = epoch + 1;
TRUNCATE stream_seq, mark, message, link, timer, effect, view_version;
