CREATE FUNCTION check_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed jsonb; named text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NULL;
    END IF;
    FOREACH changed IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)]
        WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)] ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)] END LOOP
        SELECT string_agg(coalesce(nullif(changed ->> name, ''), '*'), '/' ORDER BY place) INTO named
        FROM unnest(string_to_array(TG_ARGV[1], ',')) WITH ORDINALITY AS key(name, place);
        IF NOT EXISTS (
            SELECT FROM audit_change c JOIN audit_event e ON e.id = c.act_id
            WHERE c.subject = TG_ARGV[0] AND c.key = named AND e.xmin = pg_current_xact_id()::xid
        ) THEN
            RAISE EXCEPTION '%: % was changed by no recorded act (R32)', TG_TABLE_NAME, named
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END $$
-- next
CREATE CONSTRAINT TRIGGER site_recorded AFTER INSERT OR UPDATE OR DELETE ON site DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('sites', 'code')
-- next
CREATE CONSTRAINT TRIGGER service_recorded AFTER INSERT OR UPDATE OR DELETE ON service DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('services', 'code')
-- next
CREATE CONSTRAINT TRIGGER vat_rate_recorded AFTER INSERT OR UPDATE OR DELETE ON vat_rate DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('vat_rates', 'service,effective_from')
-- next
CREATE CONSTRAINT TRIGGER rate_recorded AFTER INSERT OR UPDATE OR DELETE ON rate DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('rates', 'site,service,tenant_kind,effective_from')
-- next
CREATE CONSTRAINT TRIGGER tenant_recorded AFTER INSERT OR UPDATE OR DELETE ON tenant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('tenants', 'code')
-- next
CREATE CONSTRAINT TRIGGER lease_recorded AFTER INSERT OR UPDATE OR DELETE ON lease DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('leases', 'code')
-- next
CREATE CONSTRAINT TRIGGER subsidy_grant_recorded AFTER INSERT OR UPDATE OR DELETE ON subsidy_grant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('grants', 'code')
-- next
CREATE CONSTRAINT TRIGGER app_user_recorded AFTER INSERT OR UPDATE OR DELETE ON app_user DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('users', 'name')
-- next
CREATE CONSTRAINT TRIGGER api_token_recorded AFTER INSERT OR UPDATE OR DELETE ON api_token DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('tokens', 'name')
-- next
CREATE TRIGGER site_kept BEFORE TRUNCATE ON site FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER service_kept BEFORE TRUNCATE ON service FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER vat_rate_kept BEFORE TRUNCATE ON vat_rate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER rate_kept BEFORE TRUNCATE ON rate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER tenant_kept BEFORE TRUNCATE ON tenant FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER lease_kept BEFORE TRUNCATE ON lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER subsidy_grant_kept BEFORE TRUNCATE ON subsidy_grant FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER app_user_kept BEFORE TRUNCATE ON app_user FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER api_token_kept BEFORE TRUNCATE ON api_token FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
