-- Roles belong to the whole cluster: another database's migration may make them at the same moment.
DO $$
DECLARE
    login text := current_setting('signalbox.login');
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['signalbox_app', 'signalbox_scan'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        IF NOT pg_has_role(login, wanted, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', wanted, login);
        END IF;
    END LOOP;
END $$;
