"""Draws small networks and what happens to them: imports, corrections, late usage, runs in every order.

Values are few and close to the edges (month ends, the days around a window's end, prices that come back),
so that they meet. Every import is one the rules allow; refusals have their own tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.oracle.reference import KEYS, days_of, following, plus_months

Rows: TypeAlias = dict[str, list[dict[str, str]]]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Enter:
    """Import these rows."""

    files: Rows


@dataclass(frozen=True)
class RunMonth:
    """Run this month; `dry` writes nothing."""

    month: str
    dry: bool = False


Step: TypeAlias = Enter | RunMonth

SITES = ("AGA", "CAS", "TNG")
SERVICES: tuple[dict[str, str], ...] = (
    {"code": "OFFICE", "label": "Bureau", "unit": "m2_month", "billing": "advance", "revenue_account": "71243",
     "price_ceiling_incl_vat": ""},
    {"code": "MEAL", "label": "Repas", "unit": "each", "billing": "arrears", "revenue_account": "71243",
     "price_ceiling_incl_vat": "20.00"},
    {"code": "MEETING", "label": "Salle", "unit": "hour", "billing": "arrears", "revenue_account": "71271",
     "price_ceiling_incl_vat": ""},
)  # fmt: skip

# (market, subsidised, full cost): equal prices with other costs, costs on both sides, nil, fractions, 4 decimals.
OFFICE_PRICES = (
    ("150.00", "50.00", "134.00"),
    ("145.00", "1/3", "130.00"),
    ("150.00", "50.00", "135.00"),
    ("150.00", "60.00", "134.00"),
    ("150.00", "50.00", "134.00"),
    ("145.00", "1/3", "130.00"),
    ("160.00", "1/3", "134.00"),
    ("99.9999", "2/7", "99.9998"),
    ("120.00", "120.00", "134.00"),
    ("0.0001", "0.0001", "0.00"),
    ("0.00", "0.00", "20.00"),
    ("150.00", "140.00", "134.00"),
)
# Below the ceiling of 20.00 under every VAT rate drawn here.
MEAL_PRICES = (
    ("34.00", "16.66", "31.50"),
    ("34.00", "1/3", "31.50"),
    ("36.50", "16.66", "31.50"),
    ("16.6666", "10.0001", "12.00"),
    ("30.00", "0.00", "30.00"),
    ("34.00", "16.66", "34.00"),
)
PRICES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "OFFICE": OFFICE_PRICES,
    "MEAL": MEAL_PRICES,
    "MEETING": (*OFFICE_PRICES[:8], ("0.005", "0.005", "0.001"), ("0.00", "0.00", "0.00")),
}
VAT_RATES = ("0.20", "0.10", "0.00", "0.1234")
AREAS = ("25", "22.5", "20", "25", "1", "33.333333", "22.5", "1234.5", "0.000001")
QUANTITIES = ("1", "2", "0.5", "12", "1.005", "17", "1000", "0.000001")
AMOUNTS = ("100.00", "0.01", "1234.56", "50.00", "100000.00")
KINDS = ("startup", "startup", "sme", "large", "subsidiary")


@dataclass
class World:
    """The rows as they would stand after the steps drawn so far; `origin` is the first month run."""

    draw: Any
    origin: str
    rows: dict[str, dict[tuple[str, ...], dict[str, str]]] = field(default_factory=lambda: {name: {} for name in KEYS})

    # ---- draws ----

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        """True about that often; shrinks to False."""
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def day(self, from_month: int, to_month: int) -> date:
        """A day from `from_month` to `to_month` months after the origin: mostly a month's edge."""
        month = days_of(f"{shifted(self.origin, self.draw(st.integers(from_month, to_month)))}")
        place: int = self.pick((0, -1, 0, 1, 14, -2, 27, self.draw(st.integers(0, 27))))
        return month[place]

    def enter(self, name: str, row: dict[str, str]) -> tuple[str, dict[str, str]]:
        self.rows[name][tuple(row[column] for column in KEYS[name])] = row
        return name, row

    def known(self, name: str) -> list[dict[str, str]]:
        return list(self.rows[name].values())

    # ---- what may be entered ----

    def site(self) -> list[tuple[str, dict[str, str]]]:
        code = next((code for code in SITES if (code,) not in self.rows["sites"]), None)
        if code is None:
            return []
        row = {"code": code, "name": f"Parc {code}", "city": "Rabat", "capacity": "", "opened_on": ""}
        found = [self.enter("sites", row)]
        priced = [service["code"] for service in self.known("services") if not self.chance(10)]
        return found + [self.rate(code, service, "", date(2015, 1, 1)) for service in priced]

    def rate(self, site: str, service: str, kind: str, begins: date) -> tuple[str, dict[str, str]]:
        market, subsidised, cost = self.pick(PRICES[service])
        return self.enter(
            "rates",
            {
                "site": site,
                "service": service,
                "tenant_kind": kind,
                "effective_from": begins.isoformat(),
                "market": market,
                "subsidised": subsidised,
                "full_cost": cost,
                "source": "test",
            },
        )

    def another_rate(self) -> list[tuple[str, dict[str, str]]]:
        site, service = self.pick(self.known("sites"))["code"], self.pick(self.known("services"))["code"]
        return [self.rate(site, service, self.pick(("", "", "startup", "large")), self.day(-2, 6))]

    def vat(self, service: str, begins: date) -> tuple[str, dict[str, str]]:
        row = {"service": service, "effective_from": begins.isoformat(), "rate": self.pick(VAT_RATES)}
        return self.enter("vat_rates", row)

    def tenant(self) -> list[tuple[str, dict[str, str]]]:
        code = f"T{len(self.rows['tenants']) + 1}"
        admitted = self.day(-20, 4) if self.chance(25) else None
        first = self.day(-20, 4)
        admission = min(first, admitted) if admitted else first
        # Around the age of 24 months on admission, where R4 decides.
        incorporated = self.pick((-1, 0, 1, 400, -400))
        row = {
            "code": code,
            "legal_name": f"Société {code}",
            "legal_form": "SARL",
            "kind": self.pick(KINDS),
            "incorporated_on": ""
            if self.chance(5)
            else (months_before(admission, 24) + incorporated * DAY).isoformat(),
            "admitted_on": admitted.isoformat() if admitted else "",
            "ice": "001561191000066",
            "tax_id": "",
            "trade_register": "",
            "address": "1 rue Ibn Sina",
            "city": "Rabat",
            "email": "compta@example.ma",
            "language": "fr",
        }
        found = [self.enter("tenants", row)]
        if not self.chance(12):
            found += self.lease(code, first)
        return found

    def lease(self, tenant: str, first: date) -> list[tuple[str, dict[str, str]]]:
        """A lease, perhaps ended, perhaps followed the next day by another at the same site."""
        code = f"L{len(self.rows['leases']) + 1}"
        end = first + self.draw(st.integers(0, 700)) * DAY if self.chance(40) else None
        row = {
            "code": code,
            "tenant": tenant,
            "site": self.pick(self.known("sites"))["code"],
            "unit": f"U-{code}",
            "area_m2": self.pick(AREAS),
            "starts_on": first.isoformat(),
            "ends_on": end.isoformat() if end else "",
        }
        found = [self.enter("leases", row)]
        if end and self.chance(40):
            after = f"L{len(self.rows['leases']) + 1}"
            moved = {**row, "code": after, "unit": f"U-{after}", "starts_on": (end + DAY).isoformat(), "ends_on": ""}
            found.append(self.enter("leases", {**moved, "area_m2": self.pick(AREAS)}))
        return found

    def usage(self) -> list[tuple[str, dict[str, str]]]:
        """One event, or one known before, again."""
        if not self.rows["tenants"]:
            return []
        if self.rows["usage"] and self.chance(10):
            return [("usage", dict(self.pick(self.known("usage"))))]
        row = {
            "event_id": f"E{len(self.rows['usage']) + 1}",
            "tenant": self.pick(self.known("tenants"))["code"],
            "site": self.pick(self.known("sites"))["code"],
            "service": self.pick(("MEAL", "MEAL", "MEETING")),
            "quantity": self.pick(QUANTITIES),
            "occurred_on": self.day(-2, 6).isoformat(),
        }
        return [self.enter("usage", row)]

    def void(self) -> list[tuple[str, dict[str, str]]]:
        """An event known so far is void, perhaps once more."""
        if not self.rows["usage"]:
            return []
        row = {"event_id": self.pick(self.known("usage"))["event_id"], "reason": self.pick(("saisi deux fois", "faux"))}
        return [self.enter("usage_voids", row)]

    def grant(self) -> list[tuple[str, dict[str, str]]]:
        row = {
            "code": f"G{len(self.rows['grants']) + 1}",
            "funder": "Région",
            "site": self.pick(("", *(site["code"] for site in self.known("sites")))),
            "amount": self.pick(AMOUNTS),
            "granted_on": self.day(-1, 5).isoformat(),
        }
        return [self.enter("grants", row)]

    def first_network(self) -> Rows:
        """What is entered before the first run."""
        entered = [self.enter("services", dict(service)) for service in SERVICES]
        for service in SERVICES:
            if not self.chance(4):
                entered.append(self.vat(service["code"], date(2015, 1, 1)))
            if self.chance(15):
                entered.append(self.vat(service["code"], self.day(-2, 6)))
        for act, most in (
            (self.site, 3),
            (self.another_rate, 4),
            (self.tenant, 5),
            (self.usage, 10),
            (self.grant, 3),
        ):
            least = 1 if act in (self.site, self.tenant) else 0
            for _ in range(self.draw(st.integers(least, most))):
                entered += act()
        return as_files(entered)

    # ---- what may change ----

    def change(self) -> Rows:
        """One import later on: often a single corrected row, which nothing else would give away."""
        corrections = (
            self.correct_lease,
            self.correct_lease,
            self.correct_lease,
            self.correct_tenant,
            self.correct_rate,
            self.correct_vat,
        )
        if self.chance(50):
            return as_files(self.pick(corrections)())
        acts = (
            *corrections,
            self.usage,
            self.usage,
            self.void,
            self.void,
            self.another_rate,
            self.tenant,
            self.second_office,
            self.grant,
            self.mend,
            self.site,
            self.correct_account,
            self.raise_grant,
        )
        entered = []
        for _ in range(self.draw(st.integers(1, 4))):
            entered += self.pick(acts)()
        return as_files(entered)

    def second_office(self) -> list[tuple[str, dict[str, str]]]:
        return self.lease(self.pick(self.known("tenants"))["code"], self.day(-20, 6))

    def correct_lease(self) -> list[tuple[str, dict[str, str]]]:
        """Ended early, reopened, back-dated, measured again, moved to another site or tenant."""
        if not self.rows["leases"]:
            return []
        row = dict(self.pick(self.known("leases")))
        what = self.pick(("ends_on", "ends_on", "starts_on", "area_m2", "area_m2", "site", "tenant", "reopened"))
        if what == "ends_on":
            row["ends_on"] = max(self.day(-3, 6).isoformat(), row["starts_on"])
        elif what == "reopened":
            row["ends_on"] = ""
        elif what == "starts_on":
            row["starts_on"] = self.day(-20, 6).isoformat()
            if row["ends_on"]:
                row["ends_on"] = max(row["starts_on"], row["ends_on"])
        elif what == "area_m2":
            row["area_m2"] = self.pick(AREAS)
        else:
            row[what] = self.pick(self.known(f"{what}s"))["code"]
        return [self.enter("leases", row)]

    def correct_tenant(self) -> list[tuple[str, dict[str, str]]]:
        row = dict(self.pick(self.known("tenants")))
        what = self.pick(("kind", "incorporated_on", "admitted_on"))
        row[what] = self.pick(KINDS) if what == "kind" else self.day(-30, 2).isoformat()
        return [self.enter("tenants", row)]

    def correct_rate(self) -> list[tuple[str, dict[str, str]]]:
        if not self.rows["rates"]:
            return []
        row = dict(self.pick(self.known("rates")))
        market, subsidised, cost = self.pick(PRICES[row["service"]])
        if self.chance(30):
            row["full_cost"] = cost
        else:
            row |= {"market": market, "subsidised": subsidised, "full_cost": cost}
        return [self.enter("rates", row)]

    def correct_vat(self) -> list[tuple[str, dict[str, str]]]:
        if self.rows["vat_rates"] and self.chance(50):
            row = dict(self.pick(self.known("vat_rates")))
            return [self.enter("vat_rates", {**row, "rate": self.pick(VAT_RATES)})]
        return [self.vat(self.pick(SERVICES)["code"], self.day(-2, 6))]

    def mend(self) -> list[tuple[str, dict[str, str]]]:
        """Rates and VAT for everything from long ago, so that nobody is left in error."""
        entered = []
        for service in self.known("services"):
            if (service["code"], "2015-01-01") not in self.rows["vat_rates"]:
                entered.append(self.vat(service["code"], date(2015, 1, 1)))
            unpriced = [
                site["code"]
                for site in self.known("sites")
                if (site["code"], service["code"], "", "2015-01-01") not in self.rows["rates"]
            ]
            entered += [self.rate(site, service["code"], "", date(2015, 1, 1)) for site in unpriced]
        return entered

    def correct_account(self) -> list[tuple[str, dict[str, str]]]:
        row = dict(self.pick(self.known("services")))
        return [self.enter("services", {**row, "revenue_account": self.pick(("71243", "71271"))})]

    def raise_grant(self) -> list[tuple[str, dict[str, str]]]:
        if not self.rows["grants"]:
            return []
        row = dict(self.pick(self.known("grants")))
        more = self.pick(AMOUNTS)
        if float(more) <= float(row["amount"]):
            return []
        return [self.enter("grants", {**row, "amount": more})]


def as_files(entered: Sequence[tuple[str, dict[str, str]]]) -> Rows:
    """Rows by file; of two rows with one key in one import, the last."""
    files: dict[str, dict[tuple[str, ...], dict[str, str]]] = {}
    for name, row in entered:
        files.setdefault(name, {})[tuple(row[column] for column in KEYS[name])] = dict(row)
    return {name: list(rows.values()) for name, rows in files.items()}


def shifted(month: str, count: int) -> str:
    """The month `count` months later or earlier."""
    year, month0 = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + count, 12)
    return f"{year:04d}-{month0 + 1:02d}"


def months_before(day: date, count: int) -> date:
    """A day from which `count` months lead to `day`, or as close as months allow."""
    month = days_of(shifted(f"{day:%Y-%m}", -count))
    found = month[min(day.day, len(month)) - 1]
    return found if plus_months(found, count) == day else month[-1]


@st.composite
def histories(draw: st.DrawFn, runs_most: int = 5) -> tuple[Step, ...]:
    """A network, then runs with changes between them."""
    world = World(draw, draw(st.sampled_from(("2026-01", "2024-01", "2025-11", "2027-12"))))
    steps: list[Step] = [Enter(world.first_network())]
    latest: str | None = None
    for _ in range(draw(st.integers(1, runs_most))):
        for _ in range(draw(st.integers(0, 2)) if latest else 0):
            files = world.change()
            if files:
                steps.append(Enter(files))
        if latest is None:
            month = world.origin
        else:
            later = world.pick((1, 1, 1, 1, 0, 0, 2, 3))
            month = latest
            for _ in range(later):
                month = following(month)
        if world.chance(15):
            steps.append(RunMonth(month, dry=True))
        steps.append(RunMonth(month))
        latest = month
        if world.chance(20):
            # What R14 leaves open: whoever was in error, mended or not, tried again in the same month.
            void = world.void() if world.chance(30) else []
            files = as_files([*(world.mend() if world.chance(70) else []), *world.grant(), *world.usage(), *void])
            steps += [Enter(files), RunMonth(month)]
    return tuple(steps)
