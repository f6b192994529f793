"""The triggers by which the database itself refuses what R22 forbids, for SQLite and PostgreSQL."""

from collections.abc import Iterable
from types import ModuleType

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

import invoices.messages.tables
import invoices.models
import ledger.models
from billing.frame import tables as frame_tables
from billing.subjects import SUBJECTS

# Tables of files: one recorded twice stays as first recorded.
_FIRST_STANDS = ("document_file", "message_file")
_REFUSAL = "rows of this table are never changed or deleted: correct by adding (R22)"


def append_only(dialect: str, tables: Iterable[str]) -> list[str]:
    """Return the statements that make tables refuse UPDATE and DELETE (on PostgreSQL TRUNCATE as well)."""
    if dialect == "postgresql":
        refuse = (
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '%: {_REFUSAL}', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
            "END $$"
        )
        return [refuse] + [
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            for table in tables
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {_REFUSAL}'); END"
        for table in tables
        for verb in ("UPDATE", "DELETE")
    ]


def irreplaceable(dialect: str, tables: Iterable[Table]) -> list[str]:
    """Return the statements that make SQLite refuse INSERT OR REPLACE over a row of append-only tables.

    REPLACE deletes the old row without firing DELETE triggers. Entries and postings have triggers of
    their own (`balanced_entries`); PostgreSQL has nothing of the kind. A file recorded twice is
    left as first recorded, without complaint: two workers may render one document.
    """
    if dialect != "sqlite":
        return []
    statements = []
    for table in tables:
        unique = [key for key in table.constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)]
        # A set has no order of its own: the triggers' names must be the same in every process.
        unique.sort(key=lambda key: key.columns.keys())
        for index, key in enumerate(unique, 1):
            same = " AND ".join(f"{column.name} = NEW.{column.name}" for column in key.columns)
            action = "IGNORE" if table.name in _FIRST_STANDS else f"ABORT, '{table.name}: {_REFUSAL}'"
            statements.append(
                f"CREATE TRIGGER {table.name}_no_replace_{index} BEFORE INSERT ON {table.name} "  # noqa: S608 - our own names, in a trigger
                f"WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {same}) BEGIN SELECT RAISE({action}); END"
            )
    return statements


def balanced_entries(dialect: str) -> list[str]:
    """Return the statements that refuse an unbalanced, incomplete, mixed or misnumbered entry, and later additions.

    The same on both databases: a number is taken from the counter, the postings that bear it come
    first, and the entry's row seals them: its insert checks them, and none is accepted after it. The
    counter's deferred foreign key demands at COMMIT that the newest number taken is an entry; since
    entries come without gap, so is every number before it.
    """
    if dialect == "postgresql":
        return [
            """
            CREATE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint;
            BEGIN
                SELECT min(entry_id), max(entry_id) INTO low, high FROM added;
                IF low <= (SELECT max(id) FROM entry) THEN
                    RAISE EXCEPTION 'posting: entry % is complete, nothing can be added to it (R22)', low
                    USING ERRCODE = 'integrity_constraint_violation';
                ELSIF high > (SELECT last FROM entry_counter) THEN
                    RAISE EXCEPTION 'posting: entry % has no number from the counter (R22)', high
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
            """,
            "CREATE TRIGGER posting_unsealed AFTER INSERT ON posting REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_postings()",
            """
            CREATE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint; number bigint; wrong bigint;
            BEGIN
                SELECT min(id), max(id), count(*) INTO low, high, number FROM added;
                IF high - low + 1 <> number OR low <> coalesce((SELECT max(id) FROM entry WHERE id < low), 0) + 1 THEN
                    RAISE EXCEPTION 'entry: numbers follow each other without gap, % does not (R22)', low
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                SELECT min(coalesce(e.id, p.entry_id)) INTO wrong
                FROM added e
                FULL JOIN (SELECT entry_id, effective_on, count(*) AS n, sum(amount) AS total, max(line_no) AS last,
                                  count(*) FILTER (WHERE account >= '9') AS analytic
                           FROM posting WHERE entry_id BETWEEN low AND high GROUP BY entry_id, effective_on) p
                ON p.entry_id = e.id AND p.effective_on = e.effective_on
                WHERE p.n IS DISTINCT FROM e.posting_count::bigint OR p.total <> 0 OR p.last <> p.n
                   OR p.analytic NOT IN (0, p.n);
                IF wrong IS NOT NULL THEN
                    RAISE EXCEPTION 'entry %: its postings must be complete and balanced (R22)', wrong
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
            """,
            "CREATE TRIGGER entry_complete AFTER INSERT ON entry REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_entries()",
        ]
    return [
        # REPLACE deletes without firing DELETE triggers: these refuse it, as they see the row it would put there.
        "CREATE TRIGGER posting_unsealed AFTER INSERT ON posting "
        "WHEN NEW.entry_id <= (SELECT max(id) FROM entry) OR NEW.entry_id > (SELECT last FROM entry_counter) "
        "BEGIN SELECT RAISE(ABORT, 'posting: its entry is complete, or has no number from the counter (R22)'); END",
        "CREATE TRIGGER entry_complete BEFORE INSERT ON entry "
        "WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM entry) "
        "OR EXISTS (SELECT 1 FROM entry WHERE reference = NEW.reference) "
        "OR (SELECT count(*) <> NEW.posting_count OR sum(amount) <> 0 OR sum(account >= '9') NOT IN (0, count(*)) "
        "OR max(effective_on <> NEW.effective_on OR line_no > NEW.posting_count) "
        "FROM posting WHERE entry_id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'entry: its number and reference must be new, its postings complete and balanced "
        "(R22)'); END",
    ]


def forward_only(dialect: str) -> list[str]:
    """Return the statements that keep counters and states from going back, or from being deleted to begin anew."""
    rules = [
        (
            "number_series",
            "NEW.last < OLD.last OR NEW.latest_issued_on < OLD.latest_issued_on",
            "numbers given and issue dates never go back (R15)",
        ),
        (
            "delivery",
            "OLD.state = 'sent' OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts",
            "states only move queued, failed, sent; attempts only grow",
        ),
        (
            "message_delivery",
            "OLD.state IN ('sent', 'stopped') OR NEW.state = 'queued' AND OLD.state = 'failed' "
            "OR NEW.attempts < OLD.attempts",
            "states only move queued, failed, sent or stopped; attempts only grow",
        ),
        ("run_batch", "OLD.status = 'done'", "a batch is done once"),
        ("audit_counter", "NEW.last < OLD.last", "audit events are counted on, never back"),
    ]
    statements = []
    for table, wrong, reason in rules:
        if dialect == "postgresql":
            statements += [
                f"CREATE FUNCTION {table}_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION '{table}: {reason}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
                f"CREATE TRIGGER {table}_forward_only BEFORE UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({wrong}) EXECUTE FUNCTION {table}_back()",
                f"CREATE TRIGGER {table}_kept BEFORE DELETE OR TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_back()",
            ]
        else:
            statements += [
                f"CREATE TRIGGER {table}_forward_only BEFORE UPDATE ON {table} WHEN {wrong} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END",
                f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END",
            ]
    return statements


def counted_entries(dialect: str) -> list[str]:
    """Return the statements that keep the counter of entries from being deleted or falling below the newest entry."""
    if dialect == "postgresql":
        return [
            """
            CREATE FUNCTION check_counter() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF NEW.last >= coalesce((SELECT max(id) FROM entry), 0) THEN
                        RETURN NEW;
                    END IF;
                END IF;
                RAISE EXCEPTION 'entry_counter: numbers already given cannot be given again (R22)'
                USING ERRCODE = 'integrity_constraint_violation';
            END $$
            """,
            "CREATE TRIGGER entry_counter_forward_only BEFORE UPDATE ON entry_counter "
            "FOR EACH ROW EXECUTE FUNCTION check_counter()",
            "CREATE TRIGGER entry_counter_kept BEFORE DELETE OR TRUNCATE ON entry_counter "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_counter()",
        ]
    refuse = "BEGIN SELECT RAISE(ABORT, 'entry_counter: numbers already given cannot be given again (R22)'); END"
    return [
        "CREATE TRIGGER entry_counter_forward_only BEFORE UPDATE ON entry_counter "  # noqa: S608 - our own names, in a trigger
        f"WHEN NEW.last < (SELECT coalesce(max(id), 0) FROM entry) {refuse}",
        f"CREATE TRIGGER entry_counter_kept BEFORE DELETE ON entry_counter {refuse}",
    ]


def set_wise_references(dialect: str, keys: Iterable[tuple[str, str, str, str]]) -> list[str]:
    """Return the statements by which PostgreSQL checks once an insert what `invoices.models.references` declares.

    `keys` are (table, columns, parent, its columns), columns separated by commas. The rows referred to are
    never deleted nor rekeyed, so only inserts need checking. SQLite has the foreign keys themselves.
    """
    if dialect != "postgresql":
        return []
    statements = []
    for table, columns, parent, parent_columns in keys:
        pairs = list(zip(columns.split(","), parent_columns.split(","), strict=True))
        same = " AND ".join(f"p.{there} = a.{here}" for here, there in pairs)
        name = f"{table}_{pairs[0][0]}_exists"
        statements += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608 - our own names, in a trigger
            f"IF EXISTS (SELECT 1 FROM added a WHERE a.{pairs[0][0]} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})) THEN "
            f"RAISE EXCEPTION '{table}: a row refers to no row of {parent}' USING ERRCODE = 'foreign_key_violation'; "
            "END IF; RETURN NULL; END $$",
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ]
    return statements


def closed_months(dialect: str) -> list[str]:
    """Return the statements that refuse entries in closed months or too far ahead, and changes to closed days."""
    refusal = "only open months are posted to (R22)"
    unchanged = "what accounts moved in closed months never changes (R22)"
    if dialect == "postgresql":
        return [
            f"""
            CREATE FUNCTION check_months() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE closed date; ahead date; low date; high date;
            BEGIN
                SELECT closed_through, open_through INTO closed, ahead FROM period_act ORDER BY id DESC LIMIT 1;
                IF FOUND THEN
                    SELECT min(effective_on), max(effective_on) INTO low, high FROM added;
                    IF low <= closed OR high > ahead THEN
                        RAISE EXCEPTION 'entry: {refusal}' USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                END IF;
                RETURN NULL;
            END $$
            """,  # noqa: S608 - our own names, in a trigger
            "CREATE TRIGGER entry_in_open_month AFTER INSERT ON entry REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_months()",
            f"""
            CREATE FUNCTION check_days() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE closed date;
            BEGIN
                SELECT closed_through INTO closed FROM period_act ORDER BY id DESC LIMIT 1;
                IF TG_OP <> 'INSERT' AND OLD.day <= closed OR TG_OP <> 'DELETE' AND NEW.day <= closed THEN
                    RAISE EXCEPTION 'account_day: {unchanged}' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            END $$
            """,  # noqa: S608 - our own names, in a trigger
            "CREATE TRIGGER account_day_closed BEFORE INSERT OR UPDATE OR DELETE ON account_day "
            "FOR EACH ROW EXECUTE FUNCTION check_days()",
            "CREATE TRIGGER account_day_kept BEFORE TRUNCATE ON account_day "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ]
    newest = "FROM period_act ORDER BY id DESC LIMIT 1"
    statements = [
        "CREATE TRIGGER entry_in_open_month BEFORE INSERT ON entry "
        f"WHEN NEW.effective_on <= (SELECT closed_through {newest}) "
        f"OR NEW.effective_on > (SELECT open_through {newest}) "
        f"BEGIN SELECT RAISE(ABORT, 'entry: {refusal}'); END"
    ]
    for verb, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
        moved = f" OR NEW.day <= (SELECT closed_through {newest})" if verb == "UPDATE" else ""
        statements.append(
            f"CREATE TRIGGER account_day_no_{verb.lower()}_closed BEFORE {verb} ON account_day "
            f"WHEN {row}.day <= (SELECT closed_through {newest}){moved} "
            f"BEGIN SELECT RAISE(ABORT, 'account_day: {unchanged}'); END"
        )
    return statements


def unbroken_log(dialect: str) -> list[str]:
    """Return the statements that refuse a leaf of the log that does not follow the one before it."""
    refusal = "proof_leaf: leaves follow each other without gap (R22)"
    if dialect == "postgresql":
        return [
            f"""
            CREATE FUNCTION check_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint; number bigint;
            BEGIN
                SELECT min(position), max(position), count(*) INTO low, high, number FROM added;
                IF high - low + 1 <> number
                   OR low <> coalesce((SELECT max(position) FROM proof_leaf WHERE position < low), -1) + 1 THEN
                    RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
            """,  # noqa: S608 - our own names, in a trigger
            "CREATE TRIGGER proof_leaf_unbroken AFTER INSERT ON proof_leaf REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_leaves()",
        ]
    return [
        "CREATE TRIGGER proof_leaf_unbroken BEFORE INSERT ON proof_leaf "  # noqa: S608 - our own names, in a trigger
        "WHEN NEW.position <> (SELECT coalesce(max(position), -1) + 1 FROM proof_leaf) "
        f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    ]


# Tables whose rows change with the acts that say so: the subject of their changes, and the columns of the key.
RECORDED = (
    ("site", "sites", "code"), ("service", "services", "code"), ("vat_rate", "vat_rates", "service,effective_from"),
    ("rate", "rates", "site,service,tenant_kind,effective_from"), ("tenant", "tenants", "code"),
    ("lease", "leases", "code"), ("subsidy_grant", "grants", "code"), ("app_user", "users", "name"),
    ("api_token", "tokens", "name"), ("unit", "units", "site,code"),
    ("survey", "surveys", "tenant,year"), ("application", "applications", "code"),
)  # fmt: skip


def recorded_changes(dialect: str) -> list[str]:
    """Return the statements by which PostgreSQL refuses, at COMMIT, a changed row that no act of its transaction names.

    So the service's role can't write the register, users or tokens by plain SQL (R32). SQLite has no trigger that
    waits for COMMIT: there, `check` names such a row.
    """
    if dialect != "postgresql":
        return []
    return [
        """
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
        """,
        *(
            f"CREATE CONSTRAINT TRIGGER {table}_recorded AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('{subject}', '{key}')"
            for table, subject, key in RECORDED
        ),
        *(
            f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            "EXECUTE FUNCTION refuse_change()"
            for table, _, _ in RECORDED
        ),
    ]


def _table_modules() -> list[ModuleType]:
    """Return the modules with tables of this service, except the ledger's."""
    own = (module for subject in SUBJECTS for module in subject.loaded(subject.tables))
    return [invoices.models, invoices.messages.tables, frame_tables, *own]


def append_only_tables() -> list[Table]:
    """Return the tables whose rows are never changed nor deleted."""
    return [*ledger.models.APPEND_ONLY, *_of_billing()]


def _of_billing() -> list[Table]:
    return [table for module in _table_modules() for table in module.APPEND_ONLY]


def trigger_statements(dialect: str) -> tuple[str, ...]:
    """Return every trigger as it must stand today: migrations create them, `check` proves that they are unchanged."""
    of_ledger = (ledger.models.period_act, ledger.models.period_balance)
    names = [table.name for table in append_only_tables()]
    return (
        *append_only(dialect, names),
        *irreplaceable(dialect, (*of_ledger, *_of_billing())),
        *balanced_entries(dialect),
        *counted_entries(dialect),
        *closed_months(dialect),
        *forward_only(dialect),
        *unbroken_log(dialect),
        *recorded_changes(dialect),
        *set_wise_references(dialect, [r for m in _table_modules() for r in getattr(m, "REFERENCES", ())]),
    )
