"""A run reviewed before it is ordered (R24), and the order that issues just what was reviewed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from billing.frame.audit_log import act_of
from billing.frame.civil_time import today
from billing.frame.database import hold_facts, reading
from billing.frame.errors import RunRefused
from billing.frame.undisturbed import undisturbed
from billing.register.catalogue import load_catalogue
from billing.run.batch import bills_of
from billing.run.drafts import DocumentsDigest, canonical, digest_of, documents_of
from billing.run.facts import Scope, TenantFacts, run_basis
from billing.run.plan import Final, MonthOrder, plan_of
from billing.run.preview import Preview
from billing.run.report import RunReport, report_of
from billing.run.review import comparing
from billing.run.review.queries import (
    Before,
    LastBill,
    ever_billed,
    last_looked_at,
    lines_before,
    read_before,
    usage_means,
)
from billing.run.tenant_bill import TenantBill, drafts_of
from invoices.document import CREDIT_NOTE
from invoices.issuing import Draft, vat_of_drafts
from pricing.period import format_month, month_period
from pricing.vat import VatSubtotal


class Reviewed(NamedTuple):
    """A document as it would be issued; sums in centimes, positive on both kinds. `previous` None: no bill before."""

    draft: Draft
    vat: Sequence[VatSubtotal]
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
        return (-self.net if self.draft.kind == CREDIT_NOTE else self.net) - self.previous.net


class Vanished(NamedTuple):
    """A tenant that the last run it was not left out of invoiced, and this one bills nothing."""

    tenant: str
    legal_name: str
    previous: LastBill
    reasons: tuple[str, ...]


class LeftOut(NamedTuple):
    """A tenant in error or held, as far as the table and the page name it; `previous` None: no bill before."""

    legal_name: str
    previous: LastBill | None


@dataclass(frozen=True, slots=True)
class Review:
    """A run before it is ordered: its totals as of a dry run, every document, who vanished, and the digest.

    `left_out` are, by code, the tenants that its report has in error or held. `made_by` and `made_at` say whose it is.
    """

    report: RunReport
    documents: tuple[Reviewed, ...]
    vanished: tuple[Vanished, ...]
    left_out: Mapping[str, LeftOut]
    digest: str
    made_by: str
    made_at: datetime

    @property
    def flagged(self) -> int:
        """Return how many documents bear a flag."""
        return sum(bool(document.flags) for document in self.documents)

    def summary(self) -> str:
        """Return in a line how many documents there are, how many to look at, and the digest to order the run with."""
        return (
            f"{len(self.documents)} documents reviewed, {self.flagged} flagged; {len(self.vanished)} tenants without "
            f"bill who had one; {len(self.report.errors)} in error; {len(self.report.held)} held; digest {self.digest}"
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
    now, maker = clock(), act_of(engine).person
    with undisturbed(), reading(engine) as connection:
        plan = plan_of(connection, MonthOrder(period, issued_on, catch_up), today(now))
        previous = run_basis(connection, period).previous
        if isinstance(plan, Final):
            return Review(report_of(connection, period), (), (), {}, DocumentsDigest().text(), maker, now)
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
                digest.add(canonical(reviewed.draft, reviewed.vat))
                documents.append(reviewed)
            vanished += comparison.vanished()
        report, left_out = preview.report(), comparison.left_out
        return Review(report, tuple(documents), tuple(vanished), left_out, digest.text(), maker, now)


class _Comparison:
    """Compares bills with those of the run before, a batch of tenants at a time."""

    def __init__(self, connection: Connection, period: date, previous: date | None) -> None:
        self._connection = connection
        self._month = month_period(period)
        self._previous = previous
        self._before: Before = read_before(connection, previous)
        self._vanished: list[Vanished] = []
        self.left_out: dict[str, LeftOut] = {}

    def documents(
        self,
        bills: Sequence[tuple[TenantFacts, TenantBill]],
        drafts: Iterable[tuple[Draft, Sequence[VatSubtotal]]],
    ) -> Iterator[Reviewed]:
        """Yield the documents of a batch, in the order of issue; the drafts are those of the bills."""
        self._vanished = []
        before = self._before
        last = self._last_looked_at(bills)
        changed = {
            bill.tenant
            for _, bill in bills
            if bill.credit_note is not None or comparing.sums_of(bill.invoice) != before.sums.get(bill.tenant)
        }
        standings = self._standings(bills, changed, last)
        coming = iter(drafts)
        for facts, bill in bills:
            code = bill.tenant
            previous = last[code][1] if code in last else before.bills.get(code)
            issues = (bill.invoice is not None) + (bill.credit_note is not None)
            if bill.error is not None or bill.held is not None:
                self.left_out[code] = LeftOut(facts.party.legal_name, previous)
                continue
            vanishes = not issues and previous is not None and previous.invoiced
            if not issues and not vanishes:
                continue
            standing = standings(code)
            compared = comparing.bill_of(bill, standing) if code in changed else comparing.AS_BEFORE
            reasons = (
                comparing.reasons(compared, standing, facts.leases, facts.tenancy, self._month)
                if code in changed
                else ()
            )
            if vanishes and previous is not None:
                self._vanished.append(Vanished(code, facts.party.legal_name, previous, reasons))
            for draft, vat in islice(coming, issues):
                net, tax = sum([v.base for v in vat]), sum([v.amount for v in vat])
                flags = comparing.flags(draft, compared, (net, net + tax), previous and previous.net, standing)
                yield Reviewed(draft, vat, net, tax, net + tax, previous, reasons, comparing.ordered(flags))

    def vanished(self) -> list[Vanished]:
        """Return who of the last batch vanished, by code."""
        return self._vanished

    def _last_looked_at(
        self, bills: Sequence[tuple[TenantFacts, TenantBill]]
    ) -> Mapping[str, tuple[date, LastBill | None]]:
        """Return what was billed last, and when, to the tenants of a batch that the run before left out."""
        left_out = [bill.tenant for _, bill in bills if bill.tenant not in self._before.seen]
        if self._previous is None or not left_out:
            return {}
        return last_looked_at(self._connection, left_out, self._previous)

    def _standings(
        self,
        bills: Sequence[tuple[TenantFacts, TenantBill]],
        changed: Collection[str],
        last: Mapping[str, tuple[date, LastBill | None]],
    ) -> Callable[[str], comparing.Standing]:
        """Look up how the tenants of a batch stood before, with the lines of those that changed; gives each by code."""
        before, connection, period = self._before, self._connection, self._month.start
        unknown = [bill.tenant for _, bill in bills if bill.tenant not in before.bills]
        billed = ever_billed(connection, unknown, period) if unknown else frozenset()
        runs = {month for month in (self._previous, *(month for month, _ in last.values())) if month is not None}
        lines = lines_before(connection, changed, runs)
        users = {bill.tenant: bill.invoice.lines for _, bill in bills if bill.events and bill.invoice is not None}
        # Who is billed just as before may have begun to use more with the run before.
        most = max(map(comparing.most_used, users.values()), default=0)
        means = usage_means(connection, users, period, below=most) if users else {}

        def standing(code: str) -> comparing.Standing:
            previous = self._previous if code in before.seen else last[code][0] if code in last else None
            return comparing.Standing(
                previous,
                code in before.bills or code in billed,
                () if previous is None else lines.get((code, previous), ()),
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
