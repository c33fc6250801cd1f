-- Roles belong to the whole cluster: another database's migration may make them at the same moment.
DO $$
DECLARE
    login text := current_setting('signalbox.login');
    wanted text;
    -- From version 16 on, whoever makes a role is its member without the right to take it on.
    needed text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['signalbox_app', 'signalbox_scan'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        IF NOT pg_has_role(login, wanted, needed) THEN
            EXECUTE format('GRANT %I TO %I', wanted, login);
        END IF;
    END LOOP;
END $$;
