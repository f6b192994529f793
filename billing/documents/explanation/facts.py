"""The facts of the register that price a tenant's lines, as they stood when a document was issued."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

from billing.register.history import History, Provenance, RegisterChange, Values
from pricing.eligibility import Tenancy, tenancy
from pricing.errors import PricingError
from pricing.rates import Rate, RateBook, VatBook, VatRate, subsidised_price
from pricing.rating import PricedLine


class Version(NamedTuple):
    """A version of a rate or of VAT that was in force: its row of the register, and who entered it so."""

    key: str
    row: Values
    entered: Provenance | None


@dataclass(frozen=True)
class Facts:
    """The facts of the register that price a tenant's lines, as they stood after an audit event (0: before all)."""

    act: int
    tenant: Values
    leases: tuple[Values, ...]
    rates: History
    vat: History
    sites: History

    @cached_property
    def tenancy(self) -> Tenancy:
        """Return the tenant's kind and window (R3 to R5)."""
        t = self.tenant
        return tenancy(t["kind"], t["incorporated_on"], t["admitted_on"], [x["starts_on"] for x in self.leases])

    @cached_property
    def _rate_rows(self) -> dict[str, Values]:
        return self.rates.at(self.act)

    @cached_property
    def rate_book(self) -> RateBook:
        """Return the rates, ready to be asked which is in force."""
        return RateBook(
            ((r["site"], r["service"], r["tenant_kind"],
              Rate(r["effective_from"], r["market"], subsidised_price(r["subsidised"], r["market"]), r["full_cost"],
                   bool(r["in_kind"])))
             for r in self._rate_rows.values()),
            {s["code"]: s["opened_on"] for s in self.sites.at(self.act).values() if s["opened_on"] is not None},
        )  # fmt: skip

    @cached_property
    def _vat_rows(self) -> dict[str, Values]:
        return self.vat.at(self.act)

    @cached_property
    def vat_book(self) -> VatBook:
        """Return the rates of VAT, ready to be asked which is in force."""
        return VatBook(
            (r["service"], VatRate(r["effective_from"], r["rate"], r["treatment"], r["reason"]))
            for r in self._vat_rows.values()
        )

    def rate_on(self, site: str, service: str, day: date) -> Version | None:
        """Return the version of a rate in force on a day for the tenant's kind (R6); None where there was none."""
        try:
            rate = self.rate_book.at(site, service, self.tenancy.kind, day)
        except PricingError:
            return None
        keys = [self.rates.layout.show_key((site, service, kind, rate.effective_from))
                for kind in (self.tenancy.kind, "")]  # fmt: skip
        key = next(key for key in keys if key in self._rate_rows)
        return Version(key, self._rate_rows[key], self.rates.entered(key, self.act))

    def rates_of(self, line: PricedLine, first: date) -> Iterator[Version]:
        """Yield the versions of the rate in force on a line's first day, and from later days of it (R9), in order."""
        starts = self.rate_book.timeline(line.site, line.service, self.tenancy.kind)[0]
        later = [day for day in starts if line.last_day is not None and first < day <= line.last_day]
        for day in (first, *later):
            version = self.rate_on(line.site, line.service, day)
            if version is not None:
                yield version

    def vat_on(self, service: str, day: date) -> Version | None:
        """Return the version of VAT in force on a day (R11); None where there was none."""
        begun = [v for v in self.vat_book.timeline(service)[1] if v.effective_from <= day]
        if not begun:
            return None
        key = self.vat.layout.show_key((service, begun[-1].effective_from))
        return Version(key, self._vat_rows[key], self.vat.entered(key, self.act))

    def lease(self, code: str) -> Values | None:
        """Return a lease as it stood; None where none was on record."""
        return next((x for x in self.leases if x["code"] == code), None)


@dataclass(frozen=True)
class Register:
    """The history of what prices a tenant's lines, and the audit events that issued its documents, by key.

    `voids` are the voids of its usage events, by event, as far as the document that is explained could know them.
    """

    tenant: History
    leases: History
    rates: History
    vat: History
    sites: History
    acts: Mapping[int, Provenance]
    voids: Mapping[str, RegisterChange]
    _read: dict[tuple[str, int], Facts | None] = field(default_factory=dict, repr=False, compare=False)

    def act_of(self, document: int) -> int:
        """Return the audit event that issued a document; 0 where none is on record."""
        return self.acts[document].act if document in self.acts else 0

    def facts(self, code: str, document: int) -> Facts | None:
        """Return the facts that priced a document; None where the tenant was not on record."""
        key = code, self.act_of(document)
        if key not in self._read:
            self._read[key] = self._facts(*key)
        return self._read[key]

    def _facts(self, code: str, act: int) -> Facts | None:
        row = self.tenant.at(act).get(code)
        if row is None:
            return None
        leases = sorted((x for x in self.leases.at(act).values() if x["tenant"] == code), key=lambda x: x["code"])
        return Facts(act, row, tuple(leases), self.rates, self.vat, self.sites)

    def changes(
        self, code: str, since: int, until: int, line: PricedLine, days: Sequence[date], events: Collection[str]
    ) -> Iterator[RegisterChange]:
        """Yield what changed between two documents of the facts that price a line: why it was repaired (R10, R13).

        `days` are the first day of an office line, or the days of its usage events.
        """
        first, last = self.act_of(since), self.act_of(until)
        before, after = self.facts(code, since), self.facts(code, until)
        # Another lease, or what the register says of the firm, matters only by the window.
        same_window = before is not None and after is not None and before.tenancy == after.tenancy
        if not same_window:
            yield from (x for x in self.tenant.between(first, last) if _touches(x, _OF_WINDOW))
        for x in self.leases.between(first, last):
            columns = _OF_LEASE if x.key == line.lease else frozenset() if same_window else _OF_ADMISSION
            if _touches(x, columns):
                yield x
        # Versions for other kinds of tenants, or superseded on those days, concern others.
        places = [(facts, day) for facts in (before, after) if facts is not None for day in days]
        rates = {version.key for facts, day in places for version in facts.rates_of(line, day)}
        vat = {version.key for facts, day in places if (version := facts.vat_on(line.service, day)) is not None}
        for history, keys in ((self.rates, rates), (self.vat, vat)):
            yield from (x for x in history.between(first, last) if x.key in keys and _touches(x, _OF_PRICE))
        if line.lease is not None:
            yield from (x for x in self.sites.between(first, last) if x.key == line.site and _touches(x, _OF_SITE))
        yield from (x for x in self.voids.values() if x.key in events and x.provenance.act > first)


_OF_WINDOW = frozenset({"kind", "incorporated_on", "admitted_on"})
_OF_ADMISSION = frozenset({"tenant", "starts_on"})
_OF_LEASE = frozenset({"tenant", "site", "area_m2", "starts_on", "ends_on"})
_OF_SITE = frozenset({"opened_on"})
_OF_PRICE = frozenset({"market", "subsidised", "full_cost", "rate", "treatment", "reason"})


def _touches(change: RegisterChange, columns: frozenset[str]) -> bool:
    return not columns.isdisjoint({*(change.before or ()), *(change.after or ())})
