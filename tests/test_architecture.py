"""House rules that neither ruff nor the import contracts can state, read off the source itself."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("billing", "invoices", "ledger", "pricing")
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}

# Where the outside comes in: these may ask for the time. Everybody else is told it.
CLOCK_EDGES = (
    "invoices/sealing.py",  # a certificate has not ended when it seals
    "billing/frame/terminal/command.py",
    "billing/api/serve.py",
    "billing/api/pool.py",
    "billing/demo/demonstrating.py",
    # A program by itself: an auditor's own.
    "billing/proof/verify_books.py",
)
# Prometheus' own library is switched by a variable of its own.
ENVIRONMENT_EDGES = ("billing/frame/settings.py", "billing/api/metrics.py")
TRANSACTION_EDGE = "billing/frame/database.py"
# No amount passes through these: seconds of waiting and of what is measured, and lengths on paper.
FLOATING_POINT = (
    "billing/audit/webhooks/delivering.py",  # seconds of a turn
    "billing/audit/webhooks/sending.py",  # seconds a receiver may take
    "billing/api/front.py",  # seconds a client may take, and a turn lasts
    "billing/api/pool.py",  # seconds until a place of the pool looks again
    "billing/api/metrics.py",  # seconds a request takes, as Prometheus counts them
    "billing/api/request_log.py",  # the same, as the log of requests says them
    "billing/frame/logs.py",  # an instant as `logging` hands it over
    "billing/frame/undisturbed.py",  # seconds until the interpreter switches threads
    "billing/frame/database.py",  # seconds of waiting for SQLite's lock
    "billing/frame/http/authentication.py",  # seconds for which tokens are remembered
    "billing/documents/delivery/",  # seconds until a claim is looked at again
    "invoices/transport.py",  # seconds of waiting for a server of mail
    "invoices/rendering/charts/",  # points on paper
    "invoices/rendering/figures.py",  # millimetres on paper
    "invoices/rendering/weasyprint_tuning/tagged.py",  # points on paper
    "billing/cross_subsidy/accounts/account_paper.py",  # millimetres on paper
    "billing/cross_subsidy/annual_report/year_rows.py",  # millimetres on paper
)
# Names that hold a path of files wherever they stand left of a slash.
FOLDERS = {"folder", "HERE", "parent", "path"}

# What makes SQL, and the modules that hold tables.
SQL = {
    "Column",
    "Table",
    "and_",
    "case",
    "delete",
    "desc",
    "func",
    "insert",
    "or_",
    "select",
    "text",
    "tuple_",
    "update",
}
TABLES = {"models", "tables"}
FUNCTION_LINES_MAX = 100
NAMELESS = {"utils", "util", "common", "core", "services", "managers", "helpers", "misc"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
ROUNDING = {"round", "quantize", "ceil", "floor", "trunc"}
EFFECTS = {"create_engine", "open_engine", "connect", "Flask", "create_app", "load_settings", "open"}
# What `pricing` may know of the world outside it: NumPy's whole numbers for large matrices and many draws, hashes
# for the streams of chance.
PRICING_IMPORTS = {
    "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "hashlib", "heapq", "itertools", "math", "moneyed", "numpy", "operator", "pricing", "re", "typing",
}  # fmt: skip

Found: TypeAlias = Iterator[ast.AST]


def _name(node: ast.AST) -> str:
    """The dotted name a node spells, as far as it spells one: `datetime.now`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}".lstrip(".")
    return ""


def _last(node: ast.AST, parts: int) -> str:
    return ".".join(_name(node).split(".")[-parts:])


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated when a module is imported: all but the bodies of functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (*child.decorator_list, child.args):
                yield from _run_at_import(part)
        elif not isinstance(child, ast.Lambda):
            yield from _run_at_import(child)


def clock_readings(tree: ast.AST) -> Found:
    """Calls that ask for the time."""
    return (call for call in _calls(tree) if _last(call.func, 2) in CLOCKS)


def environment_readings(tree: ast.AST) -> Found:
    """Uses of the process's environment."""
    for node in ast.walk(tree):
        imported = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
        if _name(node) in ("os.environ", "os.getenv") or imported & {"environ", "getenv"}:
            yield node


def effects_at_import(tree: ast.AST) -> Found:
    """Engines, applications, connections, files, settings, clocks made or read when a module is imported."""
    for node in _run_at_import(tree):
        if isinstance(node, ast.Call) and (_last(node.func, 1) in EFFECTS or _last(node.func, 2) in CLOCKS):
            yield node


def rounding(tree: ast.AST) -> Found:
    """Anything that rounds a number."""
    for node in ast.walk(tree):
        rounds = isinstance(node, ast.Call) and _last(node.func, 1) in ROUNDING
        if rounds or _last(node, 1).startswith("ROUND_"):
            yield node


def _is_path(node: ast.AST) -> bool:
    """Whether what stands left of a slash is a path of files."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _is_path(node.left)
    return _last(node.func, 1) in {"Path", "files"} if isinstance(node, ast.Call) else _last(node, 1) in FOLDERS


def binary_floating_point(tree: ast.AST) -> Found:
    """Float literals, `float`, and the division that makes floats of integers (a path's is none)."""
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        divides = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        if literal or _name(node) == "float" or (divides and not (isinstance(node, ast.BinOp) and _is_path(node))):
            yield node


def transactions(tree: ast.AST) -> Found:
    """Beginnings of transactions, and what makes them last. (Whoever opened one may roll it back: a dry run does.)"""
    return (call for call in _calls(tree) if _last(call.func, 1) in {"begin", "commit"})


def imports_unknown_to_pricing(tree: ast.AST) -> Found:
    """Imports of what a pure engine has no use for: storage, network, files, logs, clocks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        else:
            continue
        if any(module.split(".")[0] not in PRICING_IMPORTS for module in modules):
            yield node


def imports_of_the_project(tree: ast.AST) -> Found:
    """Imports of the project's own modules, but for what stands beside the migrations themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        ours = [module for module in modules if module.split(".")[0] in PACKAGES]
        if getattr(node, "level", 0) or any(not module.startswith("billing.migrations.") for module in ours):
            yield node


def queries(tree: ast.AST) -> Found:
    """Imports of tables and of what makes SQL; and a column of a table, read as `table.c.column`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = {alias.name for alias in node.names}
            sql = node.module.startswith("sqlalchemy") and names & SQL
            last = node.module.split(".")[-1]
            if (
                sql
                or (last in TABLES and node.module != "ledger.exports.tables")
                or ".tables." in node.module
                or names & TABLES
            ):
                yield node
        elif isinstance(node, ast.Attribute) and node.attr == "c":
            yield node


def long_functions(tree: ast.AST) -> Found:
    """Functions that nobody reads in one go."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return (node for node in functions if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX)


def _offences(rule: Callable[[ast.AST], Found], within: tuple[str, ...], but: tuple[str, ...] = ()) -> list[str]:
    """`file:line: source` of what a rule finds in the files whose path begins so, exceptions left out."""
    return [
        f"{path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path, tree in SOURCES.items()
        if path.startswith(within) and not (but and path.startswith(but))
        for node in rule(tree)
    ]


def test_modules_are_named_after_what_they_hold() -> None:
    names = {part for path in SOURCES for part in Path(path).with_suffix("").parts}
    assert not names & NAMELESS


def test_only_the_edges_ask_for_the_time() -> None:
    assert _offences(clock_readings, PACKAGES, but=CLOCK_EDGES) == []


def test_only_the_configuration_reads_the_environment() -> None:
    assert _offences(environment_readings, PACKAGES, but=ENVIRONMENT_EDGES) == []


def test_nothing_happens_at_import() -> None:
    assert _offences(effects_at_import, PACKAGES) == []


def test_only_the_money_module_rounds_r1() -> None:
    # What the log of requests rounds is how long they took.
    assert _offences(rounding, PACKAGES, but=("pricing/money.py", "billing/api/request_log.py")) == []


def test_no_binary_floating_point_comes_near_money_r1() -> None:
    assert _offences(binary_floating_point, PACKAGES, but=FLOATING_POINT) == []


def test_every_exception_to_exact_numbers_is_still_one() -> None:
    assert [path for path in FLOATING_POINT if not _offences(binary_floating_point, (path,))] == []


def test_transactions_begin_and_are_committed_at_the_edge() -> None:
    assert _offences(transactions, PACKAGES, but=(TRANSACTION_EDGE,)) == []


def test_edges_hold_no_query() -> None:
    """Resources and commands call the queries of their room; both call the same."""
    edges = ("resources.py", "commands.py")
    offending = [
        f"{path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path, tree in SOURCES.items()
        if path.startswith("billing/") and path.endswith(edges)
        for node in queries(tree)
    ]
    assert offending == []


def test_no_function_is_long() -> None:
    paths = (path for folder in (*PACKAGES, "tests") for path in sorted((ROOT / folder).rglob("*.py")))
    found = {path: list(long_functions(ast.parse(path.read_text(encoding="utf-8")))) for path in paths}
    assert [str(path) for path, functions in found.items() if functions] == []


def test_no_test_imports_another() -> None:
    """What tests share stands in `tests.support`."""
    importing = re.compile(r"^ *(?:from tests[a-z_.]*\.test_\w+ import|from tests[a-z_.]* import test_)", re.MULTILINE)
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}
    # A test of processes starts one that imports what it is to run: from itself.
    assert [str(path) for path, text in texts.items() if importing.search(text) and path.stem != "test_executors"] == []


def test_pricing_knows_nothing_but_values() -> None:
    assert _offences(imports_unknown_to_pricing, ("pricing/",)) == []


def test_no_migration_imports_the_project_which_changes_while_they_stay() -> None:
    assert _offences(imports_of_the_project, ("billing/migrations/",)) == []


@pytest.mark.parametrize(
    ("rule", "offence"),
    [
        (clock_readings, "def f(): return datetime.datetime.now(UTC)"),
        (clock_readings, "today = date.today()"),
        (environment_readings, "def f(): return os.environ['HOME']"),
        (environment_readings, "from os import environ"),
        (effects_at_import, "engine = open_engine(url)"),
        (effects_at_import, "class A:\n    app = flask.Flask('a')"),
        (effects_at_import, "def f(day=date.today()): ..."),
        (effects_at_import, "if True:\n    @app(create_app())\n    def f(): ..."),
        (rounding, "def f(x): return round(x, 2)"),
        (rounding, "x = price.quantize(CENT, decimal.ROUND_HALF_UP)"),
        (rounding, "x = math.ceil(y)"),
        (binary_floating_point, "x = 0.2"),
        (binary_floating_point, "x = float(y)"),
        (binary_floating_point, "x = a / b"),
        (binary_floating_point, "x /= 100"),
        (binary_floating_point, "x = 1 / b"),
        (binary_floating_point, "x = total(a) / b"),
        (transactions, "def f(connection): connection.commit()"),
        (queries, "from sqlalchemy import Connection, select"),
        (queries, "from billing.register.tables import tenant"),
        (queries, "def f(found): return found.c.id"),
        (long_functions, "def f():\n" + "    pass\n" * FUNCTION_LINES_MAX),
        (imports_unknown_to_pricing, "import sqlalchemy.orm"),
        (imports_unknown_to_pricing, "from logging import getLogger"),
        (imports_of_the_project, "import ledger.models"),
        (imports_of_the_project, "from billing import acts"),
        (imports_of_the_project, "def upgrade():\n    from pricing.money import allocate"),
        (imports_of_the_project, "from ..acts import RANGES"),
    ],
)
def test_each_rule_finds_its_offence(rule: Callable[[ast.AST], Found], offence: str) -> None:
    assert list(rule(ast.parse(offence)))


@pytest.mark.parametrize(
    ("rule", "innocent"),
    [
        (effects_at_import, "def f():\n    return open_engine(url)"),
        (effects_at_import, "opened = lambda: open_engine(url)"),
        (binary_floating_point, "chart = files('ledger') / 'chart.csv'"),
        (binary_floating_point, "x = folder / name"),
        (binary_floating_point, "x = Path(a) / f'{b}.pdf' / c"),
        (binary_floating_point, "x = a // b"),
        (clock_readings, "def f(now: datetime): return now.date()"),
        (imports_of_the_project, "from billing.migrations.script import execute_script"),
        (imports_of_the_project, "from alembic import op"),
        (long_functions, "def f():\n" + "    pass\n" * (FUNCTION_LINES_MAX - 1)),
    ],
)
def test_no_rule_finds_what_is_none(rule: Callable[[ast.AST], Found], innocent: str) -> None:
    assert not list(rule(ast.parse(innocent)))
