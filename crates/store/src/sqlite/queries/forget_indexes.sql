-- The epoch rises so that an owner who still folds into the old tables is fenced.
DELETE FROM stream_seq;
DELETE FROM mark;
DELETE FROM message;
DELETE FROM link;
DELETE FROM timer;
DELETE FROM effect;
DELETE FROM view_version;
UPDATE meta SET indexed = 0, epoch = epoch + 1;
