"""The rules R1-R21 once more, written from the domain's text alone: fractions, one day at a time, no cleverness.

It imports nothing of the service. Rows are as in the CSV files, every value a string, blank = none.

Where the text can be read in two ways, this is the reading taken:

1.  R4: a firm without incorporation day is not eligible. One admitted before it was incorporated is.
2.  R5: "a tenant without lease or admission day" has neither a lease nor `admitted_on`; with `admitted_on`
    alone it has a window.
3.  R6: a tenant that cannot be priced somewhere (an office day since R12, or one unbilled event) gets no
    document at all in that run, no credit note either; what it was billed stands, its events stay unbilled.
4.  R9: segments are split by tier, price, full price and full cost only. A VAT change alone splits nothing.
5.  R10: usage once billed is never priced again (R13 speaks of office months only).
6.  R12: the first run fixes the first month whatever its outcome; a dry run fixes nothing.
7.  R13: "every office month billed since R12" is every month from R12 to the month run, skipped ones too. A
    line still stands if the same lease, site, days, tier, area, prices, full cost and VAT rate would be billed
    again. A corrected full cost or VAT rate therefore credits and bills again, for funders and VAT differ.
8.  R13: a lease moved to another tenant is credited to the one and billed to the other.
9.  R14: running a completed month again tries the tenants whose outcome was an error, and no others: a tenant
    entered since waits for the next month. If that changes what a site's tenants give, take or save, the
    waterfall is computed again for the whole run, from the same reserve, with the grants as they then are;
    else it stands.
10. R16/R18: `advantage` in the export is net of credits, like contributions and draws.
11. R17: "per site" is the site of the line, also on a credited one.
12. R18: every site of the register is listed, those without position with nil. Grants are listed from the
    first run whose month they can serve.
13. R18.5: each network grant is one sum, shared by itself among what is still needed, oldest first.
14. R20: a credit note takes back what the credited line was booked to, even if the service's account has
    changed since.
15. R10: what is left of a line taken back is billed again as it was, in one line with events of the very same terms.
16. R21: a grant is booked when it is entered, whatever its day. Advantage is booked per tenant and site.
"""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, str]
Files: TypeAlias = Mapping[str, Sequence[Row]]

KEYS: dict[str, tuple[str, ...]] = {
    "sites": ("code",),
    "services": ("code",),
    "vat_rates": ("service", "effective_from"),
    "rates": ("site", "service", "tenant_kind", "effective_from"),
    "tenants": ("code",),
    "leases": ("code",),
    "usage": ("event_id",),
    "usage_voids": ("event_id",),
    "grants": ("code",),
}
NIL = Fraction(0)
HALF = Fraction(1, 2)
DAY = timedelta(days=1)


class Refused(Exception):
    """A month before the latest run (R14)."""


class Unpriceable(Exception):
    """A day or an event without rate or VAT (R6, R11)."""


# ---- money and time (R1, R2) ----


def settled(value: Fraction) -> Fraction:
    """To the centime, half away from zero."""
    whole = (abs(value) * 100 + HALF).__floor__()
    return Fraction(whole if value >= 0 else -whole, 100)


@cache
def number(text: str) -> Fraction:
    return Fraction(text)


@cache
def civil(text: str) -> date:
    return date.fromisoformat(text)


def written(value: Fraction, decimals_min: int, decimals_max: int) -> str:
    """A decimal string; the value must be exact at `decimals_max`."""
    scaled = abs(value) * 10**decimals_max
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than {decimals_max} decimals")
    digits = f"{scaled.numerator:0{decimals_max + 1}d}"
    whole, fraction = digits[: len(digits) - decimals_max], digits[len(digits) - decimals_max :]
    while len(fraction) > decimals_min and fraction.endswith("0"):
        fraction = fraction[:-1]
    return ("-" if value < 0 else "") + whole + ("." + fraction if fraction else "")


def amount_text(value: Fraction) -> str:
    return written(value, 2, 2)


def plus_months(day: date, count: int) -> date:
    year, month = day.year, day.month
    for _ in range(count):
        month += 1
        if month == 13:
            year, month = year + 1, 1
    for day_of_month in (day.day, 30, 29, 28):
        try:
            if day_of_month <= day.day:
                return date(year, month, day_of_month)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def days_of(month: str) -> list[date]:
    found, day = [], civil(f"{month}-01")
    while f"{day:%Y-%m}" == month:
        found.append(day)
        day += DAY
    return found


def following(month: str) -> str:
    return f"{days_of(month)[-1] + DAY:%Y-%m}"


def months_between(first: str, last: str) -> list[str]:
    found = []
    while first <= last:
        found.append(first)
        first = following(first)
    return found


# ---- lines (R9-R11, R16) ----


@dataclass(frozen=True)
class Line:
    """A billed line; all amounts and prices in dirhams, exact."""

    service: str
    site: str
    lease: str
    month: str
    first_day: str
    last_day: str
    tier: str
    quantity: Fraction
    full_price: Fraction
    price: Fraction
    cost: Fraction
    factor: Fraction
    vat_rate: Fraction

    @property
    def amount(self) -> Fraction:
        """What the tenant pays (R1)."""
        return settled(self.price * self.quantity * self.factor)

    @property
    def full_amount(self) -> Fraction:
        """The same product at the full price, rounded by itself (R9)."""
        return settled(self.full_price * self.quantity * self.factor)

    @property
    def cost_amount(self) -> Fraction:
        """The same product at full cost, rounded by itself (R9)."""
        return settled(self.cost * self.quantity * self.factor)

    @property
    def contribution(self) -> Fraction:
        """What a market line brings above its cost (R16)."""
        return self.amount - self.cost_amount if self.tier == "market" and self.price > self.cost else NIL

    @property
    def draw(self) -> Fraction:
        """What a subsidised line lacks to its cost (R16)."""
        return self.cost_amount - self.amount if self.tier == "subsidised" and self.price < self.cost else NIL

    @property
    def advantage(self) -> Fraction:
        """What the discount was worth (R16)."""
        return self.full_amount - self.amount


@dataclass(frozen=True)
class Billed:
    """A line that stands on an invoice: whose, of which run, booked to which account."""

    line: Line
    tenant: str
    run: str
    account: str


@dataclass
class Document:
    """An invoice or a credit note before number and dates.

    `credited` is, of a credit note, what of each run's invoice and rate was credited before it.
    """

    kind: str
    run: str
    tenant: str
    lines: list[Billed]
    invoiced: dict[tuple[str, Fraction], Fraction] = field(default_factory=dict)
    credited: dict[tuple[str, Fraction], Fraction] = field(default_factory=dict)

    def vat(self) -> list[tuple[Fraction, Fraction, Fraction]]:
        """(rate, base, VAT): of an invoice once per rate, of a credit note once per invoice and rate; by rate (R11)."""
        rates = sorted({billed.line.vat_rate for billed in self.lines})
        bases = [(rate, sum((b.line.amount for b in self.lines if b.line.vat_rate == rate), NIL)) for rate in rates]
        if self.kind == "invoice":
            return [(rate, base, settled(base * rate)) for rate, base in bases]
        return [(rate, base, self._vat_credited(rate)) for rate, base in bases]

    def _vat_credited(self, rate: Fraction) -> Fraction:
        vat = NIL
        for run in {b.run for b in self.lines if b.line.vat_rate == rate}:
            left = self.invoiced[run, rate] - self.credited.get((run, rate), NIL)
            mine = sum((b.line.amount for b in self.lines if (b.run, b.line.vat_rate) == (run, rate)), NIL)
            vat += settled(left * rate) - settled((left - mine) * rate)
        return vat

    @property
    def net(self) -> Fraction:
        """The sum of the lines."""
        return sum((billed.line.amount for billed in self.lines), NIL)

    @property
    def tax(self) -> Fraction:
        """The VAT, rounded once per rate."""
        return sum((tax for _, _, tax in self.vat()), NIL)

    def shape(self) -> dict[str, Any]:
        """The contract's JSON without number and dates; `corrects` is the run of the invoice corrected.

        A tenant has at most one invoice a run, so tenant and run name it.
        """
        lines = [
            {
                "service": b.line.service,
                "site": b.line.site,
                "lease": b.line.lease or None,
                "month": b.line.month,
                "first_day": b.line.first_day or None,
                "last_day": b.line.last_day or None,
                "tier": b.line.tier,
                "quantity": written(b.line.quantity, 0, 6),
                "full_price": written(b.line.full_price, 2, 4),
                "unit_price": written(b.line.price, 2, 4),
                "amount": amount_text(b.line.amount),
                "full_amount": amount_text(b.line.full_amount),
                "cost_amount": amount_text(b.line.cost_amount),
                "vat_rate": written(b.line.vat_rate, 2, 4),
                "corrects": b.run if self.kind == "credit_note" else None,
            }
            for b in self.lines
        ]
        return {
            "kind": self.kind,
            "period": self.run,
            "tenant": self.tenant,
            "currency": "MAD",
            "lines": sorted(lines, key=line_order),
            "vat": [
                {"rate": written(rate, 2, 4), "base": amount_text(base), "amount": amount_text(tax)}
                for rate, base, tax in self.vat()
            ],
            "net": amount_text(self.net),
            "tax": amount_text(self.tax),
            "gross": amount_text(self.net + self.tax),
        }


def line_order(line: Mapping[str, Any]) -> str:
    """Any fixed order of lines, so that two documents can be compared as bags of lines."""
    return json.dumps(line, sort_keys=True)


# ---- facts ----


@dataclass
class Register:
    """The rows as they now are, by file and key."""

    rows: dict[str, dict[tuple[str, ...], dict[str, str]]] = field(default_factory=lambda: {name: {} for name in KEYS})
    # Answers already worked out from the rows as they are: the sample asks each a thousand times.
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def enter(self, files: Files) -> None:
        """Add what is new, change what is known; nothing is deleted."""
        self.known.clear()
        for name, rows in files.items():
            for row in rows:
                self.rows[name][tuple(row[column] for column in KEYS[name])] = dict(row)

    def all(self, name: str) -> Iterable[dict[str, str]]:
        """Every row of a file as it now is."""
        return self.rows[name].values()

    def leases_of(self, tenant: str) -> list[dict[str, str]]:
        """The tenant's leases."""
        return [lease for lease in self.all("leases") if lease["tenant"] == tenant]

    def window(self, tenant: str) -> tuple[date, date] | None:
        """First subsidised day and first market day, or None (R3-R5)."""
        if ("window", tenant) not in self.known:
            self.known["window", tenant] = self._window(tenant)
        found: tuple[date, date] | None = self.known["window", tenant]
        return found

    def _window(self, tenant: str) -> tuple[date, date] | None:
        firm = self.rows["tenants"][tenant,]
        days = [civil(lease["starts_on"]) for lease in self.leases_of(tenant)]
        if firm["admitted_on"]:
            days.append(civil(firm["admitted_on"]))
        if not days or firm["kind"] not in ("startup", "sme") or not firm["incorporated_on"]:
            return None
        admission = min(days)
        if admission >= plus_months(civil(firm["incorporated_on"]), 24):
            return None
        return admission, plus_months(admission, 18)

    def rate(self, site: str, service: str, kind: str, day: date) -> tuple[Fraction, Fraction, Fraction]:
        """(full price, subsidised price, full cost) in force (R6, R7)."""
        key = ("rate", site, service, kind, day)
        if key not in self.known:
            self.known[key] = self._rate(site, service, kind, day)
        found: tuple[Fraction, Fraction, Fraction] = self.known[key]
        return found

    def _rate(self, site: str, service: str, kind: str, day: date) -> tuple[Fraction, Fraction, Fraction]:
        begun = [
            row
            for row in self.all("rates")
            if row["site"] == site and row["service"] == service and civil(row["effective_from"]) <= day
        ]
        for wanted in (kind, ""):
            of_kind = [row for row in begun if row["tenant_kind"] == wanted]
            if of_kind:
                row = max(of_kind, key=lambda row: row["effective_from"])
                full, subsidised = number(row["market"]), number(row["subsidised"])
                if "/" in row["subsidised"]:
                    subsidised = settled(full * subsidised)
                return full, subsidised, number(row["full_cost"])
        raise Unpriceable(f"no rate: {site} {service} {kind} {day}")

    def vat(self, service: str, day: date) -> Fraction:
        """The VAT rate in force (R11)."""
        begun = [
            row for row in self.all("vat_rates") if row["service"] == service and civil(row["effective_from"]) <= day
        ]
        if not begun:
            raise Unpriceable(f"no VAT: {service} {day}")
        return number(max(begun, key=lambda row: row["effective_from"])["rate"])

    def terms(self, tenant: str, site: str, service: str, day: date) -> tuple[str, Fraction, Fraction, Fraction]:
        """(tier, price, full price, full cost) on a day."""
        window = self.window(tenant)
        tier = "subsidised" if window and window[0] <= day < window[1] else "market"
        full, subsidised, cost = self.rate(site, service, self.rows["tenants"][tenant,]["kind"], day)
        return tier, subsidised if tier == "subsidised" else full, full, cost

    def office_lines(self, tenant: str, month: str) -> list[Line]:
        """The month's office lines of a tenant, day by day (R9)."""
        found = []
        days = days_of(month)
        for lease in self.leases_of(tenant):
            runs: list[tuple[list[date], tuple[str, Fraction, Fraction, Fraction]]] = []
            for day in days:
                if day < civil(lease["starts_on"]) or (lease["ends_on"] and day > civil(lease["ends_on"])):
                    continue
                terms = self.terms(tenant, lease["site"], "OFFICE", day)
                if runs and runs[-1][1] == terms:
                    runs[-1][0].append(day)
                else:
                    runs.append(([day], terms))
            for billed_days, (tier, price, full, cost) in runs:
                found.append(
                    Line(
                        service="OFFICE",
                        site=lease["site"],
                        lease=lease["code"],
                        month=month,
                        first_day=billed_days[0].isoformat(),
                        last_day=billed_days[-1].isoformat(),
                        tier=tier,
                        quantity=number(lease["area_m2"]),
                        full_price=full,
                        price=price,
                        cost=cost,
                        factor=Fraction(len(billed_days), len(days)),
                        vat_rate=self.vat("OFFICE", billed_days[0]),
                    )
                )
        return found

    def usage_lines(
        self, tenant: str, events: Sequence[Row], again: Sequence[tuple[Line, Row]] = ()
    ) -> list[tuple[Line, list[str]]]:
        """Events of equal terms in one line, with their ids; those of `again` at the terms of their line (R10)."""
        groups: dict[tuple[Any, ...], tuple[Fraction, list[str]]] = {}

        def add(key: tuple[Any, ...], event: Row) -> None:
            sum_, ids = groups.get(key, (NIL, []))
            groups[key] = sum_ + number(event["quantity"]), [*ids, event["event_id"]]

        for line, event in again:
            terms = (line.tier, line.price, line.full_price, line.cost)
            add((line.service, line.site, line.month, *terms, line.vat_rate), event)
        for event in events:
            day = civil(event["occurred_on"])
            terms = self.terms(tenant, event["site"], event["service"], day)
            vat = self.vat(event["service"], day)
            add((event["service"], event["site"], f"{day:%Y-%m}", *terms, vat), event)
        return [
            (Line(service, site, "", month, "", "", tier, sum_, full, price, cost, Fraction(1), vat_rate), ids)
            for (service, site, month, tier, price, full, cost, vat_rate), (sum_, ids) in groups.items()
        ]


# ---- runs ----


@dataclass
class Used:
    """A usage line that stands, and the ids of the events it bills."""

    billed: Billed
    events: list[str]


@dataclass
class Position:
    """What R17 nets, of one tenant at one site in one run."""

    contribution: Fraction = NIL
    draw: Fraction = NIL
    advantage: Fraction = NIL

    @property
    def supply(self) -> Fraction:
        """What the tenant gives (R17)."""
        return max(self.contribution, NIL) + max(-self.draw, NIL)

    @property
    def need(self) -> Fraction:
        """What the tenant takes (R17)."""
        return max(self.draw, NIL) + max(-self.contribution, NIL)


@dataclass
class Run:
    """One month as run, with everything that came of it."""

    month: str
    reserve_before: Fraction
    outcomes: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    funding: dict[str, dict[str, Fraction]] = field(default_factory=dict)
    grants_used: dict[str, Fraction] = field(default_factory=dict)
    grants_left: dict[str, Fraction] = field(default_factory=dict)
    surplus: Fraction = NIL
    reserve_used: Fraction = NIL
    retried: bool = False

    @property
    def reserve_after(self) -> Fraction:
        """What the next run finds."""
        return self.reserve_before - self.reserve_used + self.surplus

    def sums(self) -> dict[str, Fraction]:
        """What the sites' tenants give and take, and the advantage of all; nil is left out."""
        found: dict[str, Fraction] = {}
        for (_, site), position in self.positions.items():
            for name, value in (
                (f"{site} gives", position.supply),
                (f"{site} takes", position.need),
                ("advantage", position.advantage),
            ):
                found[name] = found.get(name, NIL) + value
        return {name: value for name, value in found.items() if value}

    def cross_subsidy(self) -> dict[str, Any]:
        """The contract's JSON."""
        return {
            "period": self.month,
            "advantage": amount_text(sum((p.advantage for p in self.positions.values()), NIL)),
            "sites": {
                site: {name: amount_text(value) for name, value in of.items()} for site, of in self.funding.items()
            },
            "reserve_after": amount_text(self.reserve_after),
            "grants_left": {code: amount_text(left) for code, left in self.grants_left.items()},
        }

    def shapes(self) -> list[dict[str, Any]]:
        """The documents in the contract's JSON, by tenant and kind."""
        ordered = sorted(self.documents, key=lambda document: (document.tenant, document.kind))
        return [document.shape() for document in ordered]

    def totals(self) -> dict[str, dict[str, Any]]:
        """Count, sums and lines of invoices and of credit notes."""
        found = {}
        for name, kind in (("invoices", "invoice"), ("credit_notes", "credit_note")):
            documents = [document for document in self.documents if document.kind == kind]
            net = sum((document.net for document in documents), NIL)
            tax = sum((document.tax for document in documents), NIL)
            found[name] = {
                "count": len(documents),
                "net": amount_text(net),
                "tax": amount_text(tax),
                "gross": amount_text(net + tax),
                "lines": sum(len(document.lines) for document in documents),
            }
        return found


def shares(sum_: Fraction, needs: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """In proportion, in whole centimes by largest remainder, ties to the smaller site code (R19)."""
    whole = sum(needs.values(), NIL)
    given = dict.fromkeys(needs, NIL)
    sum_ = min(sum_, whole)
    if sum_ <= 0:
        return given
    exact = {site: sum_ * 100 * need / whole for site, need in needs.items()}
    given = {site: Fraction(value.__floor__(), 100) for site, value in exact.items()}
    missing = (sum_ - sum(given.values(), NIL)) * 100
    ranked = sorted(exact, key=lambda site: (-(exact[site] - exact[site].__floor__()), site.encode()))
    for site in ranked[: int(missing)]:
        given[site] += Fraction(1, 100)
    return given


class Oracle:
    """A network with its history: `enter` rows, `run` months, ask for the books."""

    def __init__(self) -> None:
        self.register = Register()
        self.runs: dict[str, Run] = {}
        self.standing: list[Billed] = []
        self.billed_events: set[str] = set()
        # By tenant, then by run of the invoice and VAT rate.
        self.invoiced: dict[str, dict[tuple[str, Fraction], Fraction]] = {}
        self.credited: dict[str, dict[tuple[str, Fraction], Fraction]] = {}
        self.used: list[Used] = []
        self.revision = 0
        self.billed_at: dict[str, int] = {}

    def enter(self, files: Files) -> None:
        """An import of rows that are all right."""
        self.register.enter(files)
        self.revision += 1

    def run(self, month: str) -> Run:
        """Run a month, for the first time or again; raises Refused (R14)."""
        if self.runs and month < max(self.runs):
            raise Refused(month)
        known = self.runs.get(month)
        if known is None:
            reserve = self.runs[max(self.runs)].reserve_after if self.runs else NIL
            run = self.runs[month] = Run(month, reserve)
            tenants = sorted(code for (code,) in self.register.rows["tenants"])
        else:
            run = known
            tenants = sorted(code for code, outcome in run.outcomes.items() if outcome == "error")
        before = run.sums()
        for tenant in tenants:
            self._bill(run, tenant)
        if known is None or run.sums() != before:
            run.retried = known is not None
            self._fund(run)
        return run

    def preview(self, month: str) -> Run:
        """What `run` would give, with nothing kept."""
        return copy.deepcopy(self).run(month)

    def first_month(self) -> str:
        """Where billing begins (R12)."""
        return min(self.runs)

    def billed_in_full(self) -> set[str]:
        """The tenants the latest run has billed by the facts as they now are: nothing was entered since."""
        latest = self.runs[max(self.runs)]
        current = {code for code, revision in self.billed_at.items() if revision == self.revision}
        return {code for code in current if latest.outcomes.get(code) != "error"}

    def _bill(self, run: Run, tenant: str) -> None:
        """Bill one tenant."""
        register = self.register
        void = register.rows["usage_voids"]
        taken_back = [
            used for used in self.used if used.billed.tenant == tenant and any((one,) in void for one in used.events)
        ]
        again = [
            (used.billed.line, register.rows["usage"][one,])
            for used in taken_back
            for one in used.events
            if (one,) not in void
        ]
        first_day = civil(f"{run.month}-01")
        events = [
            event
            for event in register.all("usage")
            if event["tenant"] == tenant
            and event["event_id"] not in self.billed_events
            and (event["event_id"],) not in void
            and civil(event["occurred_on"]) < first_day
        ]
        run.errors.pop(tenant, None)
        try:
            due = [
                line
                for month in months_between(self.first_month(), run.month)
                for line in register.office_lines(tenant, month)
            ]
            usage = register.usage_lines(tenant, events, again)
        except Unpriceable as reason:
            run.outcomes[tenant] = "error"
            run.errors[tenant] = str(reason)
            return
        credited = []
        for billed in [b for b in self.standing if b.tenant == tenant]:
            if billed.line in due:
                due.remove(billed.line)
            else:
                credited.append(billed)
                self.standing.remove(billed)
        offices = [self._billed(run, tenant, line) for line in due]
        self.standing += offices
        self.billed_events |= {event["event_id"] for event in events}
        credited += [used.billed for used in taken_back]
        meals = [Used(self._billed(run, tenant, line), ids) for line, ids in usage]
        self.used = [used for used in self.used if used not in taken_back] + meals
        new = offices + [used.billed for used in meals]
        for kind, lines, sign in (("invoice", new, 1), ("credit_note", credited, -1)):
            if lines:
                run.documents.append(self._document(kind, run, tenant, lines))
            for billed in lines:
                position = run.positions.setdefault((tenant, billed.line.site), Position())
                position.contribution += sign * billed.line.contribution
                position.draw += sign * billed.line.draw
                position.advantage += sign * billed.line.advantage
        run.outcomes[tenant] = "issued" if new or credited else "nothing"
        self.billed_at[tenant] = self.revision

    def _document(self, kind: str, run: Run, tenant: str, lines: list[Billed]) -> Document:
        """A document, and what is invoiced or credited by it."""
        sums = self.invoiced if kind == "invoice" else self.credited
        before = copy.copy(self.credited.setdefault(tenant, {}))
        for billed in lines:
            key = billed.run, billed.line.vat_rate
            sums.setdefault(tenant, {}).setdefault(key, NIL)
            sums[tenant][key] += billed.line.amount
        return Document(kind, run.month, tenant, lines, copy.copy(self.invoiced[tenant]), before)

    def _billed(self, run: Run, tenant: str, line: Line) -> Billed:
        return Billed(line, tenant, run.month, self.register.rows["services"][line.service,]["revenue_account"])

    def _fund(self, run: Run) -> None:
        """The waterfall of one run (R17-R19)."""
        sites = sorted((code for (code,) in self.register.rows["sites"]), key=str.encode)
        sums = run.sums()
        supply = {site: sums.get(f"{site} gives", NIL) for site in sites}
        draws = {site: sums.get(f"{site} takes", NIL) for site in sites}
        lacking = dict(draws)
        first_day = civil(f"{run.month}-01")
        grants = sorted(
            (grant for grant in self.register.all("grants") if civil(grant["granted_on"]) <= first_day),
            key=lambda grant: (grant["granted_on"], grant["code"].encode()),
        )
        left = {
            grant["code"]: number(grant["amount"])
            - sum((r.grants_used.get(grant["code"], NIL) for r in self.runs.values() if r is not run), NIL)
            for grant in grants
        }
        used = dict.fromkeys(left, NIL)

        def take(parts: dict[str, Fraction]) -> dict[str, Fraction]:
            for site, part in parts.items():
                lacking[site] -= part
            return parts

        # 1. earmarked
        earmarked = dict.fromkeys(sites, NIL)
        for grant in grants:
            if grant["site"]:
                part = max(min(left[grant["code"]], lacking[grant["site"]]), NIL)
                earmarked[grant["site"]] += part
                lacking[grant["site"]] -= part
                left[grant["code"]] -= part
                used[grant["code"]] += part
        # 2. own tenants
        own = take({site: min(supply[site], lacking[site]) for site in sites})
        # 3. what the others have left
        left_over = sum((supply[site] - own[site] for site in sites), NIL)
        network = take(shares(left_over, lacking))
        run.surplus = left_over - sum(network.values(), NIL)
        # 4. the reserve as it stood
        reserve = take(shares(run.reserve_before, lacking))
        run.reserve_used = sum(reserve.values(), NIL)
        # 5. network grants
        network_grants = dict.fromkeys(sites, NIL)
        for grant in grants:
            if not grant["site"]:
                parts = take(shares(left[grant["code"]], lacking))
                for site, part in parts.items():
                    network_grants[site] += part
                    left[grant["code"]] -= part
                    used[grant["code"]] += part
        run.grants_left, run.grants_used = left, used
        run.funding = {
            site: {
                "contributions": supply[site],
                "draws": draws[site],
                "earmarked_grants": earmarked[site],
                "own": own[site],
                "network": network[site],
                "reserve": reserve[site],
                "network_grants": network_grants[site],
                "unfunded": lacking[site],
            }
            for site in sites
        }

    # ---- the books (R20, R21) ----

    def movements(self) -> list[tuple[str, Fraction]]:
        """Every (account, amount), debit positive, as R20 and R21 word them, computed afresh."""
        found: list[tuple[str, Fraction]] = []

        def debit_credit(debit: str, credit: str, amount: Fraction) -> None:
            if amount:
                found.extend([(debit, amount), (credit, -amount)])

        for run in self.runs.values():
            for document in run.documents:
                sign = 1 if document.kind == "invoice" else -1
                found.append(("3421", sign * (document.net + document.tax)))
                found.extend((billed.account, -sign * billed.line.amount) for billed in document.lines)
                found.append(("44551", -sign * document.tax))
            for position in run.positions.values():
                debit_credit("9201", "9205", position.supply)
                debit_credit("9205", "9202", position.need)
                debit_credit("9301", "9309", position.advantage)
            for of in run.funding.values():
                debit_credit("9208", "9205", of["earmarked_grants"] + of["network_grants"])
                debit_credit("9207", "9205", of["reserve"])
                debit_credit("9209", "9205", of["unfunded"])
                debit_credit("9205", "9206", of["contributions"] - of["own"])
                debit_credit("9206", "9205", of["network"])
            debit_credit("9206", "9207", run.surplus)
        for grant in self.register.all("grants"):
            debit_credit("9210", "9208", number(grant["amount"]))
        return [(account, amount) for account, amount in found if amount]

    def trial_balance(self) -> dict[str, tuple[str, str]]:
        """Debit and credit of every account that moved."""
        sums: dict[str, list[Fraction]] = {}
        for account, amount in self.movements():
            of_account = sums.setdefault(account, [NIL, NIL])
            of_account[0 if amount > 0 else 1] += abs(amount)
        return {account: (amount_text(debit), amount_text(credit)) for account, (debit, credit) in sorted(sums.items())}

    def balances(self) -> dict[str, str]:
        """Debit less credit of every account whose balance isn't nil."""
        sums: dict[str, Fraction] = {}
        for account, amount in self.movements():
            sums[account] = sums.get(account, NIL) + amount
        return {account: amount_text(balance) for account, balance in sorted(sums.items()) if balance}
