-- Who may do what. Runs after every migration and at every start, so a role that was made later has its rights then.
-- A role that is missing is made where that is permitted, and left out where it is not. None can log in by password
-- until somebody sets one.

DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['exporter', 'grafana', 'reviewer'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role % is missing, and may not be made here', wanted;
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another exporter was quicker
        END;
    END LOOP;
END
$roles$;

DO $rights$
DECLARE
    schema_name text := current_schema();
    readers     text;
    view_name   text;
BEGIN
    -- A table cannot be given rights and a partition at the same moment.
    PERFORM pg_advisory_xact_lock(hashtext('genai-exporter ledger partitions'), hashtext(schema_name));
    EXECUTE 'REVOKE ALL ON ledger_secrets, schema_migrations FROM PUBLIC';
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'exporter') AND current_user <> 'exporter' THEN
        BEGIN
            EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO exporter', current_database());
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'TEMPORARY could not be granted to exporter; its owner has to';
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO exporter', schema_name);
        GRANT SELECT, INSERT ON calls, steps, scores, feedback TO exporter;
        GRANT SELECT, INSERT, UPDATE ON deployments TO exporter;
        GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO exporter;
        GRANT SELECT ON ledger_secrets, schema_migrations TO exporter;
        GRANT EXECUTE ON FUNCTION ledger_add_day(text, date), ledger_drop_days(text, date) TO exporter;
    END IF;
    FOREACH readers IN ARRAY ARRAY['grafana', 'reviewer'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = readers);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, readers);
        EXECUTE format('GRANT SELECT ON calls, steps, scores, feedback, sessions, deployments TO %I', readers);
        FOR view_name IN
            SELECT viewname FROM pg_views WHERE schemaname = schema_name AND viewname LIKE 'v\_%'
        LOOP
            EXECUTE format('GRANT SELECT ON %I TO %I', view_name, readers);
        END LOOP;
        CONTINUE WHEN (SELECT rolconfig IS NOT NULL FROM pg_roles WHERE rolname = readers);
        BEGIN
            -- A dashboard must not be able to keep the database busy. Limits that somebody set are left alone.
            EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', readers);
            EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', readers);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'the limits of role % could not be set', readers;
        END;
    END LOOP;
END
$rights$;
