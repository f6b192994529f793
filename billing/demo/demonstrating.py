"""The demonstration: the shipped sample network, billed for six months in a folder of its own."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, select
from sqlalchemy.engine import URL

from billing.books.journal import trial_balance
from billing.books.subledgers import subledgers
from billing.check import check
from billing.demo.payments import Banking, bank_demonstration
from billing.demo.second_thoughts import SecondThoughts, think_again
from billing.documents import export as documents
from billing.documents.delivery.delivering import deliver
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.documents.messages.queries import load_message
from billing.frame.audit_log import CLI, Act, new_request_id, on_behalf
from billing.frame.civil_time import today
from billing.frame.codes import MESSAGE
from billing.frame.database import open_engine, reading, writing
from billing.frame.errors import Fault, Refused
from billing.frame.settings import MailTransport, Settings, load_settings, operating_user
from billing.receivables.dunning.sending import due_reminders, send_reminders
from billing.register.applications.files import waiting_pieces
from billing.register.applications.queries import waiting_list
from billing.register.network_import import import_folder
from billing.run import waterfall_export
from billing.run.month import run_month
from billing.run.report import RunReport
from billing.schema.migrating import migrate
from invoices.document import INVOICE
from invoices.logo import checked_logo
from invoices.messages.papers import print_paper
from invoices.models import document, document_file
from ledger.exports import write_journal
from pricing.period import format_month, months

FIRST, LAST = date(2026, 6, 1), date(2026, 11, 1)
# A firm of the sample network whose discount ends in September.
SWITCHED = "T0146"
# A site of the sample network for which firms wait.
WAITED_FOR = "CAS"
NETWORK = Path(__file__).parent / "network"
# What the sample network has grown since its results were fixed.
GROWN = Path(__file__).parent / "park"
_MARK = ".technopark-billing-demo"
_DATABASE = "billing.sqlite"
_DOCUMENTS = "documents"
_OUTBOX = "outbox"
_BOOKS = "books"
_BANK = "bank"
_REMINDERS = "reminders"
_REVIEW = "review"

# Announces a step by its name; what it gives draws the step's progress, (done, in all), if anything does.
Show: TypeAlias = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]
_Write: TypeAlias = Callable[[Connection, BinaryIO], object]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The result: the months' reports in order, the delivery of the last, the problems that `check` found (none).

    `newcomer` and `mature` are the PDFs of two tenants of the last month: the one with the largest discount
    on its invoice, and the one that brings most to newcomers; None where none was rendered. `reminders` are the letter
    and the statement of the tenant that is asked for most today. `second_thoughts` are what was taken back.
    """

    folder: Path
    reports: tuple[RunReport, ...]
    delivery: DeliveryReport
    banking: Banking
    newcomer: Path | None
    mature: Path | None
    reminders: tuple[Path, ...]
    second_thoughts: SecondThoughts
    problems: tuple[str, ...]


def demonstrate(folder: Path, *, show: Show) -> Demonstration:
    """Bill the sample network from June to November 2026 in `folder`, with the last month's PDFs and mails.

    Half of the last month is paid through bank statements made up for it. An event and a receipt are taken back, a
    tenant is held, and the next month is reviewed, not run.

    A former demonstration in the folder is replaced; any other folder that holds something is refused
    (Refused). Nothing outside the folder is touched: database, PDFs, mails and books are all below it.
    """
    folder = folder.absolute()
    _clear(folder)
    settings = _settings(folder)
    act = Act(operating_user(), CLI, "demo", new_request_id())
    engine = on_behalf(open_engine(settings.database_url), act, _clock)
    try:
        with show("sample network"):
            migrate(engine)
            for folder_of_files in (NETWORK, GROWN):
                import_folder(engine, folder_of_files, now=_clock())
        reports = []
        for period in months(FIRST, LAST):
            with show(f"month {format_month(period)}") as progress:
                reports.append(_run(settings, engine, period, progress))
        with show("PDFs and mails") as progress:
            delivery = deliver(settings, engine, clock=_clock, progress=progress)
        with show("bank statements"):
            banking = bank_demonstration(settings, engine, LAST, folder / _BANK, now=_clock())
        with show("second thoughts"):
            thoughts = think_again(settings, engine, LAST, folder / _REVIEW, now=_clock(), held=SWITCHED)
        with show("reminder"):
            reminders = _remind(settings, engine, folder / _REMINDERS)
        with show("books"):
            _write_books(engine, folder / _BOOKS)
        with show("check") as progress:
            problems = check(engine, documents_url=settings.documents_url, progress=progress)
        with reading(engine) as connection:
            newcomer = _invoice(connection, folder, document.c.advantage)
            mature = _invoice(connection, folder, document.c.contribution)
    finally:
        engine.dispose()
    return Demonstration(
        folder, tuple(reports), delivery, banking, newcomer, mature, reminders, thoughts, tuple(problems)
    )


def _invoice(connection: Connection, folder: Path, most: ColumnElement[int]) -> Path | None:
    """Return the PDF of the last month's invoice that has most of something."""
    query = (
        select(document_file.c.path)
        .join(document, document.c.id == document_file.c.document_id)
        .where(document.c.kind == INVOICE, document.c.period == LAST)
        .order_by(most.desc(), document.c.number)
        .limit(1)
    )
    path = connection.scalar(query)
    return None if path is None else folder / _DOCUMENTS / path


def _remind(settings: Settings, engine: Engine, folder: Path) -> tuple[Path, ...]:
    """Remind the tenant that is asked for most today; its letter and statement are left in `folder` as well."""
    folder.mkdir()
    now = _clock()
    with writing(engine) as connection:
        due = due_reminders(connection, settings.terms, today(now))
        if not due:
            return ()
        most = max(due, key=lambda reminder: (reminder.total, reminder.tenant)).tenant
        [sent] = send_reminders(connection, settings, today(now), recorded_at=now, tenants=[most]).sent
    deliver(settings, engine, clock=_clock)
    with reading(engine) as connection:
        reminder = load_message(connection, MESSAGE.parse(sent.number))
    paths = []
    for paper in reminder.message.papers:
        path = folder / f"{Path(paper.file_name).stem}-{sent.number}.pdf"
        path.write_bytes(print_paper(paper))
        paths.append(path)
    return tuple(paths)


def _clock() -> datetime:
    """Return the present instant; before the demonstration's last month has begun, its first noon (R14)."""
    return max(datetime.now(UTC), datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC))


def _clear(folder: Path) -> None:
    """Make an empty, marked folder; raises Refused for one that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise Refused([Fault(str(folder), None, None, None, "is a file", "name a folder")])
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        remedy = "name an empty folder, or one that does not exist"
        raise Refused([Fault(str(folder), None, None, None, "holds files that are no demonstration", remedy)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text("Made by `technopark-billing demo`, which replaces it.\n", encoding="utf-8")
    for name in (_DOCUMENTS, _OUTBOX, _BOOKS, _BANK, _REMINDERS, _REVIEW):
        shutil.rmtree(folder / name, ignore_errors=True)
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f"{_DATABASE}{suffix}").unlink(missing_ok=True)


def _demonstrated() -> Settings:
    """Return the default settings, with what papers show: a link each, and a logo."""
    settings = load_settings({"PUBLIC_URL": "http://127.0.0.1:8000"})
    logo = checked_logo((Path(__file__).parent / "logo.png").read_bytes())
    return replace(settings, operator=replace(settings.operator, party=replace(settings.operator.party, logo=logo)))


def _settings(folder: Path) -> Settings:
    """Return the default settings, whatever the environment says, with everything below `folder`."""
    return replace(
        _demonstrated(),
        database_url=URL.create("sqlite", database=str(folder / _DATABASE)),
        documents_url=f"file://{folder / _DOCUMENTS}",
        mail=MailTransport(folder=folder / _OUTBOX),
    )


def _run(settings: Settings, engine: Engine, period: date, progress: Callable[[int, int], None] | None) -> RunReport:
    return run_month(
        settings, engine, period, issued_on=period, deliver=period == LAST, clock=_clock, progress=progress
    )


def _write_books(engine: Engine, folder: Path) -> None:
    """Write what an accountant, an auditor and a controller would ask for."""
    folder.mkdir()

    def journal(format_name: str) -> _Write:
        return lambda connection, file: write_journal(
            connection, format_name, file, start=None, until=None, subledgers=subledgers(connection)
        )

    files: dict[str, _Write] = {
        "journal.hledger": journal("hledger"),
        "journal.beancount": journal("beancount"),
        "FEC.txt": journal("fec"),
        "FEC-analytique.txt": journal("fec-analytic"),
        f"liste-d-attente-{WAITED_FOR}.xlsx": lambda connection, file: file.writelines(
            waiting_pieces(waiting_list(connection, WAITED_FOR), "xlsx")
        ),
        "trial-balance.xlsx": lambda connection, file: file.writelines(trial_balance.pieces(connection, None, "xlsx")),
        f"documents-{format_month(LAST)}.xlsx": lambda connection, file: file.writelines(
            documents.pieces(connection, LAST, "xlsx")
        ),
    }
    if find_spec("pyarrow") is not None:
        files["journal.parquet"] = journal("parquet")
    for period in months(FIRST, LAST):
        files[f"cross-subsidy-{format_month(period)}.json"] = _cross_subsidy(period)
    with reading(engine) as connection:
        for name, write in files.items():
            with (folder / name).open("wb") as file:
                write(connection, file)
        _write_cross_subsidy(connection, folder)


def _write_cross_subsidy(connection: Connection, folder: Path) -> None:
    """Write the year's statements and indicators, and the account of a firm whose discount ended in these months."""
    # Printing is slow to load: only where something is printed.
    from billing.cross_subsidy.accounts.account import account_of
    from billing.cross_subsidy.accounts.account_paper import account_pdf, addressee_of
    from billing.cross_subsidy.annual_report.queries import year_statement
    from billing.cross_subsidy.annual_report.year_paper import year_pdf
    from billing.cross_subsidy.grants_report.files import grants_pdf
    from billing.cross_subsidy.grants_report.year import grants_year
    from billing.cross_subsidy.indicators.paper import indicators_pdf
    from billing.cross_subsidy.indicators.periods import year_period
    from billing.cross_subsidy.indicators.queries import indicator_report
    from billing.register.occupancy.queries import occupancy

    settings = _demonstrated()
    seller = settings.operator.party
    board = indicator_report(connection, year_period(LAST.year))
    occupied = occupancy(connection, board.period.last_day)
    (folder / f"indicateurs-{LAST.year}.pdf").write_bytes(indicators_pdf(board, occupied, seller))
    (folder / f"perequation-{LAST.year}.pdf").write_bytes(year_pdf(year_statement(connection, LAST.year), seller))
    grants = grants_pdf(grants_year(connection, LAST.year), seller)
    (folder / f"emploi-des-subventions-{LAST.year}.pdf").write_bytes(grants)
    account = account_of(connection, SWITCHED, None, settings.terms)
    page = account_pdf(account, seller, addressee_of(connection, SWITCHED))
    (folder / f"compte-de-perequation-{SWITCHED}.pdf").write_bytes(page)


def _cross_subsidy(period: date) -> _Write:
    return lambda connection, file: file.writelines(waterfall_export.pieces(connection, period, "json"))
