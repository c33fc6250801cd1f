-- The log: rows in order of seq, never changed.
CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE raw (seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, sealed BLOB NOT NULL);
CREATE TABLE subject_key (
    tenant TEXT NOT NULL, subject TEXT NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (tenant, subject)
) WITHOUT ROWID;
CREATE TABLE blob (
    tenant TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (tenant, name)
);

-- Who may write, and how far the indexes go.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    owner TEXT NOT NULL,
    indexed INTEGER NOT NULL
);
INSERT INTO meta (one, epoch, owner, indexed) VALUES (1, 0, '', 0);
CREATE TABLE view_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL, shape TEXT NOT NULL);

-- Indexes: the fold of the records up to meta.indexed.
CREATE TABLE stream_seq (
    tenant TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (tenant, stream, seq)
) WITHOUT ROWID;
CREATE TABLE mark (
    tenant TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (tenant, key)
);
CREATE TABLE message (
    tenant TEXT NOT NULL, message TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (tenant, message)
) WITHOUT ROWID;
CREATE TABLE link (
    tenant TEXT NOT NULL, system TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, stream TEXT NOT NULL,
    PRIMARY KEY (tenant, system, kind, value)
) WITHOUT ROWID;
CREATE TABLE timer (
    tenant TEXT NOT NULL, stream TEXT NOT NULL, timer TEXT NOT NULL, due_second INTEGER NOT NULL, due_nano INTEGER NOT NULL,
    PRIMARY KEY (tenant, stream, timer)
) WITHOUT ROWID;
CREATE INDEX timer_by_due ON timer (due_second, due_nano, tenant, stream, timer);
CREATE TABLE effect (
    tenant TEXT NOT NULL, effect TEXT NOT NULL, seq INTEGER NOT NULL, stream TEXT NOT NULL, body BLOB NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (tenant, effect)
);
CREATE INDEX effect_by_seq ON effect (seq, effect);
