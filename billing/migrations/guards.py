"""The triggers by which the database itself refuses what R22 forbids, for SQLite and PostgreSQL."""

from collections.abc import Iterable

_REFUSAL = "rows of this table are never changed or deleted: correct by adding (R22)"


def append_only(dialect: str, tables: Iterable[str]) -> list[str]:
    """The statements that make tables refuse UPDATE and DELETE (on PostgreSQL TRUNCATE as well)."""
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


def balanced_entries(dialect: str) -> list[str]:
    """The statements that refuse an entry that is unbalanced, incomplete, or added to later."""
    if dialect == "postgresql":
        return [
            """
            CREATE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE wrong bigint;
            BEGIN
                SELECT a.entry_id INTO wrong
                FROM (SELECT entry_id, count(*) AS n, sum(amount) AS total, min(line_no) AS low, max(line_no) AS high
                      FROM added GROUP BY entry_id) a
                LEFT JOIN entry e ON e.id = a.entry_id
                WHERE e.id IS NULL OR a.n <> e.posting_count OR a.total <> 0 OR a.low <> 1 OR a.high <> a.n
                LIMIT 1;
                IF wrong IS NOT NULL THEN
                    RAISE EXCEPTION 'entry %: its postings must be complete, balanced, inserted together (R22)', wrong
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
            """,
            "CREATE TRIGGER posting_complete AFTER INSERT ON posting REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION check_postings()",
            """
            CREATE FUNCTION check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NOT EXISTS (SELECT 1 FROM posting WHERE entry_id = NEW.id) THEN
                    RAISE EXCEPTION 'entry %: it has no postings (R22)', NEW.id
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
            """,
            "CREATE CONSTRAINT TRIGGER entry_has_postings AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION check_entry()",
        ]
    return [
        # The entry row seals its postings: they come first, none can be added after it.
        "CREATE TRIGGER posting_sealed BEFORE INSERT ON posting "
        "WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry_id) "
        "BEGIN SELECT RAISE(ABORT, 'posting: its entry is complete, nothing can be added to it (R22)'); END",
        "CREATE TRIGGER entry_balanced BEFORE INSERT ON entry "
        "WHEN (SELECT count(*) <> NEW.posting_count OR sum(amount) <> 0 OR max(line_no) <> NEW.posting_count "
        "FROM posting WHERE entry_id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'entry: its postings must be complete and balanced (R22)'); END",
    ]


def forward_only(dialect: str) -> list[str]:
    """The statements that keep counters from going back and a sent delivery from being unsent."""
    rules = [
        (
            "number_series",
            "NEW.last < OLD.last OR NEW.latest_issued_on < OLD.latest_issued_on",
            "numbers given and issue dates never go back (R15)",
        ),
        ("entry_counter", "NEW.last < OLD.last", "numbers already given cannot be given again (R15)"),
        ("delivery", "OLD.state = 'sent' AND NEW.state <> 'sent'", "what was sent stays sent"),
        ("run_batch", "OLD.status = 'done'", "a batch is done once"),
    ]
    statements = []
    for table, wrong, reason in rules:
        if dialect == "postgresql":
            statements += [
                f"CREATE FUNCTION {table}_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION '{table}: {reason}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
                f"CREATE TRIGGER {table}_forward_only BEFORE UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({wrong}) EXECUTE FUNCTION {table}_back()",
            ]
        else:
            statements.append(
                f"CREATE TRIGGER {table}_forward_only BEFORE UPDATE ON {table} WHEN {wrong} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END"
            )
    return statements
