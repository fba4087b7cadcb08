-- Partitions are made and dropped through these functions, so that the role that writes rows owns no table.

CREATE FUNCTION ledger_partitioned() RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $$ SELECT ARRAY['calls', 'steps', 'scores', 'feedback'] $$;

COMMENT ON FUNCTION ledger_partitioned() IS 'The tables that are partitioned by day.';

CREATE FUNCTION ledger_add_day(parent text, wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    child text := parent || '_' || to_char(wanted, 'YYYYMMDD');
    clock text := CASE parent WHEN 'scores' THEN 'scored_at' WHEN 'feedback' THEN 'rated_at' ELSE 'started_at' END;
BEGIN
    IF NOT parent = ANY (ledger_partitioned()) THEN
        RAISE EXCEPTION '% is not partitioned by day', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('genai-exporter ledger partitions'), hashtext(current_schema()));
    IF to_regclass(format('%I.%I', current_schema(), child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Attaching blocks neither readers nor writers of the parent; creating a partition in place would. The check on the
    -- clock lets the planner pass over the days that a query's time range does not touch.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', child, parent);
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I >= %L::timestamptz AND %I < %L::timestamptz)',
        child, child || '_clock',
        clock, wanted::timestamp AT TIME ZONE 'UTC', clock, (wanted + 1)::timestamp AT TIME ZONE 'UTC'
    );
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child, wanted, wanted + 1);
    RETURN true;
END
$$;

COMMENT ON FUNCTION ledger_add_day(text, date) IS 'Makes the partition of one day; false when it is there already.';

CREATE FUNCTION ledger_drop_days(parent text, before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    child   regclass;
    dropped integer := 0;
BEGIN
    IF NOT parent = ANY (ledger_partitioned()) THEN
        RAISE EXCEPTION '% is not partitioned by day', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('genai-exporter ledger partitions'), hashtext(current_schema()));
    FOR child IN
        SELECT c.oid
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = format('%I.%I', current_schema(), parent)::regclass
          AND c.relname ~ ('^' || parent || '_[0-9]{8}$')
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %s', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

COMMENT ON FUNCTION ledger_drop_days(text, date) IS 'Drops the partitions of all days before one; returns how many.';

REVOKE ALL ON FUNCTION ledger_add_day(text, date), ledger_drop_days(text, date) FROM PUBLIC;
