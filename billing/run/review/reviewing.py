"""A run reviewed before it is ordered (R24), and the order that issues just what was reviewed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from billing.frame.civil_time import today
from billing.frame.database import hold_facts, reading
from billing.frame.errors import RunRefused
from billing.register.catalogue import load_catalogue
from billing.run.batch import bills_of
from billing.run.drafts import DocumentsDigest, DraftDocument, digest_of, documents_of
from billing.run.facts import Scope, TenantFacts, run_basis
from billing.run.plan import Final, MonthOrder, plan_of
from billing.run.preview import Preview
from billing.run.report import RunReport, report_of
from billing.run.review import comparing
from billing.run.review.queries import Before, LastBill, ever_billed, lines_before, read_before, usage_means
from billing.run.tenant_bill import TenantBill, drafts_of
from invoices.document import CREDIT_NOTE
from invoices.issuing import Draft, vat_of_drafts
from pricing.period import format_month, month_period
from pricing.vat import VatSubtotal


class Reviewed(NamedTuple):
    """A document as it would be issued; sums in centimes, positive on both kinds. `previous` None: no bill before."""

    document: DraftDocument
    net: int
    tax: int
    gross: int
    previous: LastBill | None
    reasons: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def difference(self) -> int | None:
        """Return its net, negative on a credit note, less what the run before billed."""
        if self.previous is None:
            return None
        return (-self.net if self.document.kind == CREDIT_NOTE else self.net) - self.previous.net


class Vanished(NamedTuple):
    """A tenant that the run before invoiced and this one bills nothing."""

    tenant: str
    legal_name: str
    previous: LastBill
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A run before it is ordered: its totals as of a dry run, every document, who vanished, and the digest.

    `previous` is the month of the run before; None: there was none.
    """

    report: RunReport
    previous: date | None
    documents: tuple[Reviewed, ...]
    vanished: tuple[Vanished, ...]
    digest: str

    def summary(self) -> str:
        """Return in a line how many documents there are, how many to look at, and the digest to order the run with."""
        flagged = sum(bool(document.flags) for document in self.documents)
        return (
            f"{len(self.documents)} documents reviewed, {flagged} flagged; {len(self.vanished)} tenants without bill "
            f"who had one; {len(self.report.errors)} in error; digest {self.digest}"
        )


def review_month(
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    catch_up: bool = False,
) -> Review:
    """Review what running the month now would issue, document by document; write nothing.

    What the run would refuse as a slip of the pen is a warning. Raises Refused, RunRefused, IssueDateGoesBack.
    """
    with reading(engine) as connection:
        plan = plan_of(connection, MonthOrder(period, issued_on, catch_up), today(clock()))
        previous = run_basis(connection, period).previous
        if isinstance(plan, Final):
            return Review(report_of(connection, period), previous, (), (), DocumentsDigest().text())
        preview = Preview(connection, period, plan)
        comparison = _Comparison(connection, period, previous)
        documents: list[Reviewed] = []
        vanished: list[Vanished] = []
        digest = DocumentsDigest()
        for bills in preview.batches():
            drafts = drafts_of(bill for _, bill in bills)
            vats = vat_of_drafts(connection, drafts)
            preview.count(drafts, vats)
            for reviewed in comparison.documents(bills, zip(drafts, vats, strict=True)):
                digest.add(reviewed.document)
                documents.append(reviewed)
            vanished += comparison.vanished()
        return Review(preview.report(), previous, tuple(documents), tuple(vanished), digest.text())


class _Comparison:
    """Compares bills with those of the run before, a batch of tenants at a time."""

    def __init__(self, connection: Connection, period: date, previous: date | None) -> None:
        self._connection = connection
        self._month = month_period(period)
        self._previous = previous
        self._before: Before = read_before(connection, previous)
        self._vanished: list[Vanished] = []

    def documents(
        self,
        bills: Sequence[tuple[TenantFacts, TenantBill]],
        drafts: Iterable[tuple[Draft, Sequence[VatSubtotal]]],
    ) -> Iterator[Reviewed]:
        """Yield the documents of a batch, in the order of issue; the drafts are those of the bills."""
        self._vanished = []
        before = self._before
        changed = {
            bill.tenant
            for _, bill in bills
            if bill.credit_note is not None or comparing.sums_of(bill.invoice) != before.sums.get(bill.tenant)
        }
        standings = self._standings(bills, changed)
        coming = iter(drafts)
        for facts, bill in bills:
            code = bill.tenant
            previous = before.bills.get(code)
            issues = (bill.invoice is not None) + (bill.credit_note is not None)
            vanishes = not issues and bill.error is None and previous is not None and previous.invoiced
            if not issues and not vanishes:
                continue
            standing = standings(code)
            compared = comparing.bill_of(bill, standing)
            reasons = (
                comparing.reasons(compared, standing, facts.leases, facts.tenancy, self._month)
                if code in changed
                else ()
            )
            if vanishes and previous is not None:
                self._vanished.append(Vanished(code, facts.party.legal_name, previous, reasons))
            for draft, vat in islice(coming, issues):
                net, tax = sum([v.base for v in vat]), sum([v.amount for v in vat])
                flags = comparing.flags(draft.kind, compared, (net, net + tax), previous and previous.net, standing)
                flags |= comparing.flags_of_buyer(facts.party.email)
                document = DraftDocument.of(draft, vat)
                yield Reviewed(document, net, tax, net + tax, previous, reasons, comparing.ordered(flags))

    def vanished(self) -> list[Vanished]:
        """Return who of the last batch vanished, by code."""
        return self._vanished

    def _standings(
        self, bills: Sequence[tuple[TenantFacts, TenantBill]], changed: Collection[str]
    ) -> Callable[[str], comparing.Standing]:
        """Look up how the tenants of a batch stood before, with the lines of those that changed; gives each by code."""
        before, connection, period = self._before, self._connection, self._month.start
        unknown = [bill.tenant for _, bill in bills if bill.tenant not in before.bills]
        billed = ever_billed(connection, unknown, period) if unknown else frozenset()
        lines = lines_before(connection, changed, self._previous)
        users = [bill.tenant for _, bill in bills if bill.events]
        means = usage_means(connection, users, period) if users else {}

        def standing(code: str) -> comparing.Standing:
            return comparing.Standing(
                self._previous,
                code in before.bills or code in billed,
                code in before.seen,
                lines.get(code, ()),
                means.get(code, {}),
            )

        return standing


def require_reviewed(connection: Connection, period: date, batches: Sequence[Scope], digest: str) -> Mapping[str, str]:
    """Raise RunRefused unless the run would issue what a review with this digest showed.

    Return the digests of the batches, by their first tenants: each is compared again when it is issued.
    """
    # Imports wait meanwhile, so that all batches are priced from the same facts.
    hold_facts(connection)
    catalogue, whole = load_catalogue(connection), DocumentsDigest()
    reviewed = {}
    for scope in batches:
        documents = documents_of(connection, (bill for _, bill in bills_of(connection, scope, catalogue)))
        for document in documents:
            whole.add(document)
        reviewed[scope.first_tenant] = digest_of(documents)
    if whole.text() != digest:
        month = format_month(period)
        raise RunRefused(
            f"facts changed since the review, or it was of another month: {month} would issue {whole.text()}, not "
            f"{digest}. Review it again with `technopark-billing run {month} --dry-run --output FILE`, then order it "
            f"with the digest of that review"
        )
    return reviewed
