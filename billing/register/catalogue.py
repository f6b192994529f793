"""The catalogue: sites, services, rates and VAT, read as all tenants share them."""

from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.register.tables import rate, service, site, vat_rate
from pricing.rates import Rate, RateBook, VatBook, VatRate
from pricing.rating import OFFICE
from pricing.vat import STANDARD


class Service(NamedTuple):
    """A service of the catalogue, as lines need it."""

    label: str
    unit_of_measure: str
    revenue_account: str


@dataclass(slots=True)
class Catalogue:
    """Sites, services, rates and VAT: the facts all tenants share, read once a batch."""

    sites: dict[str, str]
    services: dict[str, Service]
    rates: RateBook
    vat: VatBook
    _digests: dict[tuple[str, str, date], bytes] = field(default_factory=dict)

    def office_terms_digest(self, site_code: str, kind: str, until: date) -> bytes:
        """Return a digest of the office rates and VAT that had begun before `until`, for the fingerprint (R13)."""
        key = site_code, kind, until
        if key not in self._digests:
            rates = [r for r in self.rates.timeline(site_code, OFFICE, kind)[1] if r.effective_from < until]
            vat = [v for v in self.vat.timeline(OFFICE)[1] if v.effective_from < until]
            # Written as ever where price and VAT are charged: the fingerprints of runs past rest on it.
            terms = (
                repr((rates, vat)).replace(f", treatment={STANDARD!r}, reason=''", "").replace(", in_kind=False", "")
            )
            self._digests[key] = blake2b(terms.encode(), digest_size=16).digest()
        return self._digests[key]


def load_rate_versions(connection: Connection) -> list[tuple[str, str, str, Rate]]:
    """Return every rate version: (site, service, tenant kind or blank, rate)."""
    c = rate.c
    versions = connection.execute(
        select(c.site, c.service, c.tenant_kind, c.effective_from, c.market, c.subsidised_price, c.full_cost, c.in_kind)
    )
    return [(row[0], row[1], row[2], Rate(*row[3:7], bool(row[7]))) for row in versions]


def load_openings(connection: Connection) -> dict[str, date]:
    """Return the opening days of the sites that have one: nothing is billed there before (R34)."""
    return dict(connection.execute(select(site.c.code, site.c.opened_on).where(site.c.opened_on.is_not(None))).all())


def load_vat_book(connection: Connection) -> VatBook:
    """Return every VAT version."""
    c = vat_rate.c
    rows = connection.execute(select(c.service, c.effective_from, c.rate, c.treatment, c.reason))
    return VatBook((code, VatRate(*version)) for code, *version in rows)


def load_catalogue(connection: Connection) -> Catalogue:
    """Return the whole catalogue, as it stands."""
    return Catalogue(
        sites=dict(connection.execute(select(site.c.code, site.c.name)).all()),
        services={
            code: Service(label, unit, account)
            for code, label, unit, account in connection.execute(
                select(service.c.code, service.c.label, service.c.unit, service.c.revenue_account)
            )
        },
        rates=RateBook(load_rate_versions(connection), load_openings(connection)),
        vat=load_vat_book(connection),
    )
