-- Text is compared byte by byte, as SQLite and Rust do. Every key starts with the tenant; `record.seq` is the
-- exception, being the order of the whole log, and (tenant, seq) is unique too.

-- Who may write, and how far log and indexes go. One row; holds nothing of any tenant.
CREATE TABLE meta (
    one integer PRIMARY KEY CHECK (one = 1),
    schema_version integer NOT NULL,
    epoch bigint NOT NULL,
    -- Rises with each connection the owner writes through: what an old one still has in flight finds nothing to lock.
    session bigint NOT NULL,
    owner text NOT NULL,
    head bigint NOT NULL,
    indexed bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO meta VALUES (1, 1, 0, 0, '', 0, 0);
CREATE TABLE view_version (name text PRIMARY KEY, version integer NOT NULL, shape text NOT NULL);

-- The log: rows in order of seq, never changed.
CREATE TABLE record (
    seq bigint PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    body bytea NOT NULL,
    UNIQUE (tenant, seq)
);
CREATE TABLE raw (tenant text COLLATE "C", seq bigint, sealed bytea NOT NULL, PRIMARY KEY (tenant, seq));
CREATE TABLE subject_key (
    tenant text COLLATE "C", subject text COLLATE "C", wrapped bytea NOT NULL, PRIMARY KEY (tenant, subject)
);
CREATE TABLE blob (tenant text COLLATE "C", name text COLLATE "C", body bytea NOT NULL, PRIMARY KEY (tenant, name));

-- Indexes: the fold of the records up to meta.indexed.
CREATE TABLE stream_seq (
    tenant text COLLATE "C", stream text COLLATE "C", seq bigint, PRIMARY KEY (tenant, stream, seq)
);
CREATE TABLE mark (tenant text COLLATE "C", key text COLLATE "C", body bytea NOT NULL, PRIMARY KEY (tenant, key));
CREATE TABLE message (
    tenant text COLLATE "C", message text COLLATE "C", seq bigint NOT NULL, PRIMARY KEY (tenant, message)
);
CREATE TABLE link (
    tenant text COLLATE "C", system text COLLATE "C", kind text COLLATE "C", value text COLLATE "C",
    stream text NOT NULL,
    PRIMARY KEY (tenant, system, kind, value)
);
CREATE TABLE timer (
    tenant text COLLATE "C", stream text COLLATE "C", timer text COLLATE "C",
    due_second bigint NOT NULL, due_nano integer NOT NULL,
    PRIMARY KEY (tenant, stream, timer)
);
CREATE INDEX timer_by_due ON timer (due_second, due_nano, tenant, stream, timer);
CREATE TABLE effect (
    tenant text COLLATE "C", effect text COLLATE "C", seq bigint NOT NULL, stream text NOT NULL, body bytea NOT NULL,
    traceparent text,
    PRIMARY KEY (tenant, effect)
);
CREATE INDEX effect_by_seq ON effect (seq, effect);

-- Row-level security binds the owner too. The setting is null on a fresh connection and '' once a transaction that
-- set it has ended: the first makes the condition null, the second the empty list. Both deny.
CREATE FUNCTION guard_tenant_table(guarded text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mine text := $p$tenant = ANY (string_to_array(current_setting('signalbox.tenants', true), chr(31)))$p$;
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant ON %I USING (%s) WITH CHECK (%s)', guarded, mine, mine);
END $$;
REVOKE ALL ON FUNCTION guard_tenant_table FROM PUBLIC;

SELECT guard_tenant_table(it) FROM unnest(ARRAY[
    'record', 'raw', 'subject_key', 'blob', 'stream_seq', 'mark', 'message', 'link', 'timer', 'effect']) AS it;

-- What the shards' owner scans across tenants, it scans in a role that can do nothing else.
CREATE POLICY scan ON record FOR SELECT TO signalbox_scan USING (true);
CREATE POLICY scan ON timer FOR SELECT TO signalbox_scan USING (true);
CREATE POLICY scan ON effect FOR SELECT TO signalbox_scan USING (true);

-- The log can be added to and read, by no one changed.
GRANT SELECT, INSERT ON record, raw TO signalbox_app;
GRANT SELECT, INSERT, DELETE ON subject_key TO signalbox_app;
GRANT SELECT, INSERT, UPDATE ON blob, stream_seq, mark, message, link TO signalbox_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON timer, effect TO signalbox_app;
GRANT SELECT, UPDATE ON meta TO signalbox_app;
GRANT SELECT ON view_version TO signalbox_app;
GRANT SELECT ON record, timer, effect TO signalbox_scan;

-- A batch in one round trip. The owner's row is locked first: seqs are dense, and a fenced owner gets null.
CREATE FUNCTION append_turns(
    held bigint, through bigint,
    tenants text[], streams text[], versions bigint[], bodies bytea[],
    raw_places bigint[], raws bytea[],
    key_tenants text[], subjects text[], wrappeds bytea[]
) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
    before bigint;
BEGIN
    UPDATE meta SET head = head + cardinality(tenants) WHERE epoch = held AND session = through
    RETURNING head - cardinality(tenants) INTO before;
    IF before IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('signalbox.tenants', array_to_string(ARRAY(SELECT DISTINCT unnest(tenants)), chr(31)), true);
    INSERT INTO record (seq, tenant, stream, version, body)
    SELECT before + turn.place, turn.tenant, turn.stream, turn.version, turn.body
    FROM unnest(tenants, streams, versions, bodies) WITH ORDINALITY AS turn (tenant, stream, version, body, place);
    IF cardinality(raws) > 0 THEN
        INSERT INTO raw (tenant, seq, sealed)
        SELECT tenants[it.place], before + it.place, it.sealed FROM unnest(raw_places, raws) AS it (place, sealed);
    END IF;
    IF cardinality(subjects) > 0 THEN
        INSERT INTO subject_key (tenant, subject, wrapped)
        SELECT it.* FROM unnest(key_tenants, subjects, wrappeds) AS it (tenant, subject, wrapped)
        ON CONFLICT DO NOTHING;
        IF EXISTS (
            SELECT FROM unnest(key_tenants, subjects, wrappeds) AS it (tenant, subject, wrapped)
            JOIN subject_key AS kept ON kept.tenant = it.tenant AND kept.subject = it.subject
            WHERE kept.wrapped <> it.wrapped
        ) THEN
            RAISE EXCEPTION 'a subject of this batch already has another key' USING ERRCODE = 'SB001';
        END IF;
    END IF;
    RETURN before;
END $$;
REVOKE ALL ON FUNCTION append_turns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_turns TO signalbox_app;
