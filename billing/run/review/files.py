"""A review as a file: JSON for programs, a row a document for spreadsheets, a page that a manager signs (French)."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from zoneinfo import ZoneInfo

from msgspec import convert

from billing.frame.civil_time import TIME_ZONE
from billing.frame.errors import Unknown
from billing.frame.reports.prepared import Fact
from billing.frame.reports.tabled import Listed, amount, listed_pieces
from billing.frame.shapes import indented
from billing.run import shapes as run_shapes
from billing.run.drafts import DraftDocument
from billing.run.review.comparing import Flag, Reason
from billing.run.review.queries import LastBill
from billing.run.review.reviewing import LeftOut, Review, Reviewed
from billing.run.review.shapes import (
    PreviousBill,
    ReviewedDocument,
    ReviewTotals,
    RunReview,
    UnbillableTenant,
    VanishedBill,
)
from invoices import formats
from invoices.document import CREDIT_NOTE, Party
from ledger.exports import tables
from ledger.exports.columns import Cell, Column, Kind
from ledger.reports import rows as report_rows
from pricing.money import format_amount
from pricing.period import format_month

MEDIA_TYPES: Mapping[str, str] = MappingProxyType({**tables.MEDIA_TYPES, "pdf": "application/pdf"})
_ENDINGS = tuple(dict.fromkeys(map(tables.ending, MEDIA_TYPES)))
COLUMNS = (
    Column("kind", Kind.TEXT),
    Column("tenant", Kind.TEXT),
    Column("legal_name", Kind.TEXT),
    Column("net", Kind.AMOUNT),
    Column("tax", Kind.AMOUNT),
    Column("gross", Kind.AMOUNT),
    Column("previous_period", Kind.TEXT),
    Column("previous_net", Kind.AMOUNT),
    Column("difference", Kind.AMOUNT),
    Column("reasons", Kind.TEXT),
    Column("flags", Kind.TEXT),
    Column("problem", Kind.TEXT),
)
_TO_SIGN = f"Nom : {'.' * 40} Date : {'.' * 20} Signature : {'.' * 50}"
# Left out by an attempt before, and not looked at now.
_UNKNOWN = LeftOut("", None)
_REASONS = {
    Reason.NEW_TENANT: "nouveau locataire",
    Reason.NEW_LEASE: "nouveau bail",
    Reason.LEASE_ENDED: "fin de bail",
    Reason.AREA_CHANGED: "surface modifiée",
    Reason.TIER_CHANGE: "passage au plein tarif",
    Reason.RATE_CHANGE: "tarif modifié",
    Reason.VAT_CHANGE: "taux de TVA modifié",
    Reason.USAGE: "consommation",
    Reason.REPAIR: "régularisation",
    Reason.CATCH_UP: "rattrapage",
}
_FLAGS = {
    Flag.ABOVE_TWICE_LAST: "plus du double",
    Flag.BELOW_HALF_LAST: "moins de la moitié",
    Flag.FIRST_BILL: "première facture",
    Flag.PRICE_CHANGED_30: "prix à plus de 30 %",
    Flag.USAGE_TEN_TIMES: "consommation × 10",
    Flag.CREDIT_NOTE: "avoir",
    Flag.ZERO_TOTAL: "total nul",
    Flag.NO_EMAIL: "sans adresse",
}


def review_shape(review: Review) -> RunReview:
    """Return a review in the contract's shape."""
    report = review.report
    return RunReview(
        period=format_month(report.period),
        issue_date=report.issued_on,
        totals=ReviewTotals(
            report.invoices.shape(),
            report.credit_notes.shape(),
            convert(report.cross_subsidy, run_shapes.CrossSubsidy),
        ),
        documents=[_document(reviewed) for reviewed in review.documents],
        vanished=[
            VanishedBill(x.tenant, x.legal_name, _previous(x.previous), list(x.reasons))  # type: ignore[arg-type]
            for x in review.vanished
        ],
        errors=[UnbillableTenant(tenant, problem) for tenant, problem in report.errors],
        held=[tenant for tenant, _ in report.held],
        warnings=_warnings(review),
        flagged=review.flagged,
        digest=review.digest,
    )


def _document(reviewed: Reviewed) -> ReviewedDocument:
    difference, document = reviewed.difference, DraftDocument.of(reviewed.draft, reviewed.vat)
    return ReviewedDocument(
        **{name: getattr(document, name) for name in DraftDocument.__struct_fields__},
        previous=None if reviewed.previous is None else _previous(reviewed.previous),
        difference=None if difference is None else format_amount(difference),
        reasons=list(reviewed.reasons),  # type: ignore[arg-type]
        flags=list(reviewed.flags),  # type: ignore[arg-type]
    )


def _previous(bill: LastBill) -> PreviousBill:
    return PreviousBill(format_month(bill.period), format_amount(bill.net))


def _warnings(review: Review) -> list[str]:
    taken_back = [
        f"takes back {taken.credit_note}, given by hand to {taken.tenant}: {format_amount(taken.amount)} without VAT "
        f"is billed again"
        for taken in review.report.withdrawn
    ]
    return [*review.report.warnings, *taken_back]


def format_of(output: str) -> str:
    """Return the format that a file's ending chooses; raises Unknown."""
    ending = PurePath(output).suffix.lower().removeprefix(".")
    if ending not in _ENDINGS:
        endings = ", ".join(f".{name}" for name in _ENDINGS)
        raise Unknown(f"a review is written by the ending of its file, not {output!r}: end it with one of {endings}")
    return ending


def pieces(review: Review, file_format: str, operator: Party) -> Iterator[bytes]:
    """Return a review as pieces of a file in one of MEDIA_TYPES; with the first: raises TooLong, RenderingFailed."""
    if file_format == "json":
        return iter((indented(review_shape(review)),))
    if file_format == "pdf":
        return listed_pieces(_page(review), "pdf", operator=operator)
    return tables.table(file_format, "Revue", COLUMNS, _rows(review))


def _rows(review: Review) -> Iterator[tuple[Cell, ...]]:
    for x in review.documents:
        before = (None, None) if x.previous is None else (format_month(x.previous.period), x.previous.net)
        yield (
            x.draft.kind, x.draft.buyer.code, x.draft.buyer.legal_name, x.net, x.tax, x.gross, *before, x.difference,
            " ".join(x.reasons), " ".join(x.flags), None,
        )  # fmt: skip
    for gone in review.vanished:
        sums = 0, 0, 0, format_month(gone.previous.period), gone.previous.net, -gone.previous.net
        yield ("vanished", gone.tenant, gone.legal_name, *sums, " ".join(gone.reasons), "", None)
    for kind, left_out in (("error", review.report.errors), ("held", review.report.held)):
        for tenant, problem in left_out:
            name, last = review.left_out.get(tenant, _UNKNOWN)
            previous = (None, None) if last is None else (format_month(last.period), last.net)
            yield (kind, tenant, name, None, None, None, *previous, None, "", "", problem)


def _page(review: Review) -> Listed:
    report = review.report
    text = report_rows.Column
    facts = [
        Fact("Mois", formats.month(report.period)),
        Fact("Date d’émission", formats.day(report.issued_on)),
        Fact("Factures", f"{report.invoices.count}, TTC {formats.amount(report.invoices.gross)} DH"),
        Fact("Avoirs", f"{report.credit_notes.count}, TTC {formats.amount(report.credit_notes.gross)} DH"),
        Fact("Sans facture ce mois-ci", str(len(review.vanished))),
        Fact("Non facturables", str(len(report.errors))),
        Fact("Suspendus", str(len(report.held))),
        Fact("À regarder", f"{sum(bool(x.flags) for x in review.documents)} documents"),
        Fact("Empreinte", review.digest),
    ]
    facts += [Fact("Avertissement", warning) for warning in _warnings(review)]
    made_on = review.made_at.astimezone(ZoneInfo(TIME_ZONE))
    facts += [
        Fact("Établie par", review.made_by),
        Fact("Établie le", f"{formats.day(made_on.date())} à {made_on:%H:%M}"),
        Fact("Bon pour facturation", _TO_SIGN),
    ]
    return Listed(
        name="run-review",
        title="Revue de la facturation",
        part="Documents à émettre",
        columns=(
            text("tenant", "Locataire", Kind.TEXT),
            text("legal_name", "Raison sociale", Kind.TEXT),
            text("kind", "Document", Kind.TEXT),
            text("reasons", "Motifs", Kind.TEXT),
            text("flags", "À regarder", Kind.TEXT),
            amount("net", "HT"),
            amount("previous_net", "HT précédent"),
            amount("difference", "Écart"),
        ),
        lines=_lines(review),
        facts=tuple(facts),
        until=report.issued_on,
        about={},
    )


def _lines(review: Review) -> Iterator[tuple[Cell, ...]]:
    """Yield the lines of the page: a credit note is negative there; what was billed before stands once a tenant."""
    named = set()
    for x in review.documents:
        is_credit, buyer = x.draft.kind == CREDIT_NOTE, x.draft.buyer
        net = -x.net if is_credit else x.net
        before = None if x.previous is None or buyer.code in named else x.previous.net
        named.add(buyer.code)
        yield (
            buyer.code, buyer.legal_name, "Avoir" if is_credit else "Facture", _french(x.reasons, _REASONS),
            _french(x.flags, _FLAGS), net, before, net - (before or 0) or None,
        )  # fmt: skip
    for gone in review.vanished:
        reasons = _french(gone.reasons, _REASONS)
        yield (gone.tenant, gone.legal_name, "Aucun", reasons, "", 0, gone.previous.net, -gone.previous.net)
    for kind, left_out in (("Non facturable", review.report.errors), ("Suspendu", review.report.held)):
        for tenant, problem in left_out:
            name, last = review.left_out.get(tenant, _UNKNOWN)
            sums = (None, None) if last is None else (last.net, -last.net)
            yield (tenant, name, kind, problem, "", 0, *sums)


def _french(codes: tuple[str, ...], words: "dict[Reason, str] | dict[Flag, str]") -> str:
    return ", ".join(words[code] for code in codes)  # type: ignore[index]
