"""The rules that hold between rows: references, leases of a unit, ceilings, tenants worth a second look.

Rows of the folder are judged together with what is stored; a fault is placed on the folder's row that
brings it about.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection
from stdnum.exceptions import ValidationError
from stdnum.ma import ice as ice_number

from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import ADVANCE, APPLICATION_STEPS, ON_THE_LIST
from billing.register.network_import.sheet import Row, Sheet
from billing.register.network_import.stored import (
    Key,
    Values,
    first_usage,
    leases_of_units,
    rows_of_services,
    stored_codes,
    usage_exists,
)
from invoices.errors import UnusableAddress
from invoices.mail import parse_mailboxes
from ledger.accounts import label_of
from ledger.errors import UnknownAccount
from pricing.eligibility import AGE_LIMIT_MONTHS, ELIGIBLE_KINDS
from pricing.money import format_amount, format_price, format_rate
from pricing.rates import VatBook, VatRate, ceiling_breach, subsidised_price
from pricing.vat import EXEMPT, OUT_OF_SCOPE, STANDARD, SUSPENDED, TREATMENTS


def check_services(connection: Connection, sheet: Sheet, faults: Faults) -> None:
    """Revenue accounts stand in the chart; a service with usage stays one that is used."""
    for row in sheet.rows:
        if row.has("revenue_account"):
            try:
                label_of(row.values["revenue_account"])
            except UnknownAccount:
                remedy = "give an account of class 7 of the chart, or one below it"
                sheet.note(faults, row, "revenue_account", "is not in the chart of accounts", remedy)
        turned = any(column.name == "billing" for column in row.changed)
        if turned and row.values["billing"] == ADVANCE and usage_exists(connection, row.values["code"]):
            remedy = "keep arrears, and give the leased service a code of its own"
            sheet.note(faults, row, "billing", "can't become advance: usage of this service is on record", remedy)


def check_openings(connection: Connection, sheet: Sheet, faults: Faults) -> None:
    """A site does not open after usage of it that may have been billed (R34)."""
    for row in sheet.rows:
        if any(column.name == "opened_on" for column in row.changed) and row.values["opened_on"] is not None:
            used_on = first_usage(connection, row.values["code"])
            if used_on is not None and used_on < row.values["opened_on"]:
                remedy = "void the usage before it, or correct the day"
                sheet.note(faults, row, "opened_on", f"is after the first usage on record there, {used_on}", remedy)


def price_rates(sheet: Sheet, faults: Faults) -> None:
    """Settle each version's subsidised price (R7); it is not above the full price."""
    for row in sheet.rows:
        if row.has("market", "subsidised"):
            full_price = row.values["market"]
            price = subsidised_price(row.values["subsidised"], full_price)
            row.values["subsidised_price"] = price
            if row.values.get("in_kind") and price:
                sheet.note(faults, row, "subsidised", "is a price, though in_kind says it is free", "write 0")
            if price > full_price:
                problem = f"makes {format_price(price)}, above the full price {format_price(full_price)}"
                sheet.note(faults, row, "subsidised", problem, "lower it, or correct market")


def check_vat_rates(sheet: Sheet, faults: Faults) -> None:
    """Each rate that is not charged names its reason, each that is has none (CGI art. 145-III-6°)."""
    for row in sheet.rows:
        if not row.has("rate", "treatment", "reason"):
            continue
        treatment, reason = row.values["treatment"], row.values["reason"]
        if treatment == STANDARD:
            if reason:
                remedy = f"write one of {', '.join(TREATMENTS[1:])} as treatment, or leave the reason blank"
                sheet.note(faults, row, "reason", "is the reason of no treatment", remedy)
            continue
        if row.values["rate"]:
            problem = f"is no treatment of the rate {format_rate(row.values['rate'])}"
            sheet.note(faults, row, "treatment", problem, "write 0 as rate, or leave the treatment blank")
        if not reason:
            sheet.note(faults, row, "reason", "is blank", f"{_REASONS[treatment]}: it is printed in place of the VAT")
        elif treatment == SUSPENDED and not (_NUMBERED.search(reason) and _DATED.search(reason)):
            problem = "does not name the attestation's number and day"
            sheet.note(faults, row, "reason", problem, _REASONS[treatment])


# What a reason names, by treatment; an attestation has a number and a day (law.md section 2).
_REASONS = {
    EXEMPT: "give the article, such as article 91-I-A du CGI",
    SUSPENDED: "give the attestation, such as attestation n° 4512/2026 du 12/01/2026, article 94 du CGI",
    OUT_OF_SCOPE: "give the reason, such as locaux nus, sans option (article 90-4° du CGI)",
}
_NUMBERED = re.compile(r"n[°ºo] ?\w", re.IGNORECASE)
_DATED = re.compile(r"\b([0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})\b")


def check_lease_days(sheet: Sheet, faults: Faults) -> None:
    """A lease does not end before it starts."""
    for row in sheet.rows:
        if row.has("starts_on", "ends_on") and not _in_order(row.values):
            problem = f"is before the lease's start {row.values['starts_on']}"
            sheet.note(faults, row, "ends_on", problem, "correct one of the two days; both are days of the lease")


def review_tenants(sheet: Sheet, warnings: Faults) -> None:
    """Warn of what will hurt later: no ICE or a wrong one, no address to send to, an age that can't be shown."""
    for row in sheet.rows:
        values = row.values
        if "ice" in values:
            if not values["ice"]:
                sheet.note(warnings, row, "ice", "is blank", "the buyer cannot deduct VAT on an invoice without it")
            elif not _ice_key_holds(values["ice"]):
                sheet.note(
                    warnings, row, "ice", "has a check key that does not match", "compare it with the certificate"
                )
        if "email" in values:
            for problem, remedy in _mail_problems(values["email"]):
                sheet.note(warnings, row, "email", problem, remedy)
        if values.get("kind") in ELIGIBLE_KINDS and row.has("incorporated_on") and values["incorporated_on"] is None:
            problem = f"is blank: nothing shows that the tenant is under {AGE_LIMIT_MONTHS} months old"
            remedy = "it pays the market price until the day is given (R4)"
            sheet.note(warnings, row, "incorporated_on", problem, remedy)


def _mail_problems(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the addresses of a tenant (one, or several parted by `;` or `,`), and what follows."""
    nowhere = "documents cannot be sent to this tenant"
    try:
        mailboxes, problems = parse_mailboxes(text)
    except UnusableAddress:
        yield "is not a mail address" if text.strip() else "is blank", nowhere
        return
    for problem in problems:
        yield "names a mail address that is none", f"{problem}; documents are sent to the others alone"
    for mailbox in mailboxes:
        if "." not in mailbox.domain:
            yield "is not a mail address", f"the domain of {mailbox} has no dot: {nowhere} there"
        if mailbox.is_international:
            remedy = "many mail servers take no such address: ask the tenant for another"
            yield f"has letters beyond ASCII before the @ of {mailbox}", remedy


def _ice_key_holds(ice: str) -> bool:
    try:
        ice_number.validate(ice)
    except ValidationError:
        return False
    return True


class References:
    """The codes a row may refer to: stored, or given by the folder, also by a row with faults."""

    def __init__(self, connection: Connection, sheets: Mapping[str, Sheet]) -> None:
        self._connection = connection
        self._sheets = sheets
        self._codes = {stem: sheets[stem].codes() for stem in ("sites", "services", "tenants")}
        self.unreadable = {stem for stem, sheet in sheets.items() if not sheet.readable}

    def learn(self, stem: str, codes: Iterable[str] | None) -> None:
        """Look up which of these codes are stored; None for all of them."""
        unknown = None if codes is None else {code for code in codes if code not in self._codes[stem]}
        if unknown is None or unknown:
            self._codes[stem] |= stored_codes(self._connection, stem, unknown)

    def codes(self, stem: str) -> Collection[str]:
        """Return the codes learnt so far."""
        return self._codes[stem]

    def check(self, sheet: Sheet, faults: Faults) -> None:
        """Note each code of a sheet that nothing bears."""
        for column, stem in sheet.layout.references.items():
            used = [row for row in sheet.rows if row.values.get(column) is not None]
            self.learn(stem, {row.values[column] for row in used})
            for row in used:
                if row.values[column] not in self._codes[stem] and stem not in self.unreadable:
                    remedy = f"add it to {stem}.csv, or correct the code"
                    sheet.note(faults, row, column, f"is no known {column}", remedy)


def check_units(connection: Connection, sheet: Sheet, faults: Faults) -> None:
    """No two leases of one unit have a day in common, the last day included."""
    placed = {
        key: row
        for key, row in sheet.by_key.items()
        if row.has("site", "unit", "starts_on", "ends_on") and _in_order(row.values)
    }
    places = {(row.values["site"], row.values["unit"]) for row in placed.values() if row.is_news}
    if not places:
        return
    leases: dict[Key, Values] = leases_of_units(connection, places)
    # A row of the folder that can't be placed itself says nothing about where its lease was.
    leases = {key: lease for key, lease in leases.items() if key not in sheet.by_key}
    leases.update((key, row.values) for key, row in placed.items())
    of_place: dict[tuple[str, str], list[tuple[date, date, Key]]] = defaultdict(list)
    for key, lease in leases.items():
        place = lease["site"], lease["unit"]
        if place in places:
            of_place[place].append((lease["starts_on"], lease["ends_on"] or date.max, key))
    for place in sorted(of_place):
        for pair in _overlapping(of_place[place]):
            _note_overlap(sheet, placed, leases, pair, faults)


def _in_order(lease: Values) -> bool:
    return lease["ends_on"] is None or lease["ends_on"] >= lease["starts_on"]


def _overlapping(stays: list[tuple[date, date, Key]]) -> Iterable[tuple[Key, Key]]:
    """Yield the pairs of stays with a day in common."""
    current: list[tuple[date, Key]] = []
    for start, end, key in sorted(stays):
        current = [(last, other) for last, other in current if last >= start]
        for _, other in current:
            yield other, key
        current.append((end, key))


def _note_overlap(
    sheet: Sheet, placed: Mapping[Key, Row], leases: Mapping[Key, Values], pair: tuple[Key, Key], faults: Faults
) -> None:
    """Place an overlap on the later of the folder's rows that bring news."""
    concerned = [(placed[key].line, key) for key in pair if key in placed and placed[key].is_news]
    if not concerned:
        return
    _, key = max(concerned)
    other = pair[0] if key == pair[1] else pair[1]
    stay = leases[other]
    until = f"to {stay['ends_on']}" if stay["ends_on"] else "without end"
    line = f" on line {placed[other].line}" if other in placed else ""
    problem = (
        f"lease {key[0]} overlaps lease {other[0]}{line} (tenant {stay.get('tenant', '?')}, "
        f"from {stay['starts_on']} {until})"
    )
    sheet.note(faults, placed[key], "unit", problem, "end the earlier lease the day before the later one starts")


# Undecided, on the waiting list, or final.
_RANKS = {state: 0 if state == "received" else 1 if steps else 2 for state, steps in APPLICATION_STEPS.items()}


def check_applications(sheet: Sheet, references: References, faults: Faults, warnings: Faults) -> None:
    """Each application has the days of its state, went there by legal steps, and says who applies (R35).

    A row that says less than was decided since is older than the decision: it is left as it stands, with a warning.
    """
    for row in sheet.rows:
        before = row.before
        if before is not None and row.has("state") and _RANKS[row.values["state"]] < _RANKS[before["state"]]:
            problem = f"is older than what was decided, {before['state']}: the row is left as it stands"
            sheet.note(warnings, row, "state", problem, "correct it where it comes from")
            row.values, row.changed = dict(before), ()
    named = {row.values["tenant"] for row in sheet.rows if row.values.get("tenant") is not None}
    references.learn("tenants", named)
    known = references.codes("tenants")
    for row in sheet.rows:
        if row.has("state", "received_on", "decided_on"):
            _check_decision(sheet, row, faults)
        if row.has("tenant", "legal_name", "kind", "state") and "tenants" not in references.unreadable:
            _check_firm(sheet, row, row.values["tenant"] in known, faults)


def _check_decision(sheet: Sheet, row: Row, faults: Faults) -> None:
    state, decided_on = row.values["state"], row.values["decided_on"]
    if state == "received" and decided_on is not None:
        sheet.note(faults, row, "decided_on", "is a day of decision, and nothing is decided", "leave it blank")
    elif state not in ("received", "withdrawn") and decided_on is None:
        of_list = ": the waiting list is in order of these days" if state in ON_THE_LIST else ""
        sheet.note(faults, row, "decided_on", "is blank", f"give the day it was decided{of_list}")
    elif decided_on is not None and decided_on < row.values["received_on"]:
        problem = f"is before the application was received on {row.values['received_on']}"
        sheet.note(faults, row, "decided_on", problem, "correct one of the two days")
    # A file says what became of it since the last one: any number of steps.
    was = state if row.before is None else row.before["state"]
    if was != state and not APPLICATION_STEPS[was]:
        remedy = "enter another application"
        sheet.note(faults, row, "state", f"was {was} already, which can't become {state}", remedy)


def _check_firm(sheet: Sheet, row: Row, is_known: bool, faults: Faults) -> None:
    if is_known:
        return
    if row.values["state"] == "admitted":
        remedy = "add it to tenants.csv with its lease to leases.csv, or correct the code"
        sheet.note(faults, row, "tenant", "is no known tenant, and the application is admitted", remedy)
    for column in ("legal_name", "kind"):
        if not row.values[column]:
            remedy = "say who applies; only of a tenant of the register it may be left out"
            sheet.note(faults, row, column, "is blank", remedy)


class _Version(NamedTuple):
    """A rate version as R8 sees it: the days it is in force, its subsidised price, its row if in the folder."""

    key: Key
    start: date
    end: date | None
    price: int
    row: Row | None


def check_ceilings(
    connection: Connection, sheets: Mapping[str, Sheet], catalogue: Mapping[str, Values], faults: Faults
) -> None:
    """A service's subsidised prices stay below its ceiling under every VAT rate they meet (R8).

    `catalogue` holds the services as they will be.
    """
    touched = {
        row.values["service"] for stem in ("rates", "vat_rates") for row in sheets[stem].by_key.values() if row.is_news
    } | {row.values["code"] for row in sheets["services"].by_key.values() if row.is_news}
    limited = {code for code in touched if catalogue.get(code, {}).get("price_ceiling_incl_vat") is not None}
    if not limited:
        return
    vat_rows = sheets["vat_rates"].by_key
    vat = VatBook(
        (key[0], VatRate(key[1], values["rate"]))
        for key, values in _merged(rows_of_services(connection, "vat_rates", limited), vat_rows, "rate").items()
    )
    for version in _versions(rows_of_services(connection, "rates", limited), sheets["rates"].by_key):
        service = version.key[1]
        if service not in limited:
            continue
        ceiling = catalogue[service]["price_ceiling_incl_vat"]
        breach = ceiling_breach(service, version.price, ceiling, version.start, version.end, vat)
        if breach is not None:
            _note_breach(sheets, version, breach, ceiling, faults)


def _merged(stored: Mapping[Key, Values], rows: Mapping[Key, Row], needed: str) -> dict[Key, Values]:
    """Return the stored rows with the folder's rows in their place, where these have what is needed."""
    return {**stored, **{key: row.values for key, row in rows.items() if row.has(needed)}}


def _versions(stored: Mapping[Key, Values], rows: Mapping[Key, Row]) -> Iterable[_Version]:
    """Yield every rate version, with the days until the next of the same site, service and kind."""
    timelines: dict[Key, list[tuple[date, int, Row | None]]] = defaultdict(list)
    for key, values in _merged(stored, rows, "subsidised_price").items():
        timelines[key[:3]].append((key[3], values["subsidised_price"], rows.get(key)))
    for key, timeline in sorted(timelines.items()):
        timeline.sort(key=lambda version: version[0])
        ends = [start for start, _, _ in timeline[1:]] + [None]
        for (start, price, row), end in zip(timeline, ends, strict=True):
            yield _Version((*key, start), start, end, price, row)


def _note_breach(
    sheets: Mapping[str, Sheet], version: _Version, breach: tuple[VatRate, int], ceiling: int, faults: Faults
) -> None:
    """Place a breach on the row that brings it about: the rate, else the VAT rate, else the service."""
    vat_version, with_vat = breach
    service = version.key[1]
    sums = f"{format_price(version.price)} with VAT {format_rate(vat_version.rate)} is {format_amount(with_vat)}"
    limit = f"must stay below {format_amount(ceiling)} (R8)"
    rates, vat_rates, services = sheets["rates"], sheets["vat_rates"], sheets["services"]
    vat_row = vat_rates.by_key.get((service, vat_version.effective_from))
    service_row = services.by_key.get((service,))
    named = rates.layout.show_key(version.key)
    if version.row is not None and version.row.is_news:
        rates.note(faults, version.row, "subsidised", f"is too high: {sums}, and {limit}", "lower the subsidised price")
    elif vat_row is not None and vat_row.is_news:
        remedy = "lower the subsidised price in rates.csv first, or raise the ceiling in services.csv"
        vat_rates.note(faults, vat_row, "rate", f"makes rate {named} too high: {sums}, and {limit}", remedy)
    elif service_row is not None and service_row.is_news:
        remedy = "raise the ceiling, or lower the subsidised price in rates.csv"
        problem = f"is not kept by rate {named}: {sums}, and {limit}"
        services.note(faults, service_row, "price_ceiling_incl_vat", problem, remedy)


def merged_services(stored: Mapping[str, Values], sheet: Sheet) -> dict[str, dict[str, Any]]:
    """Return the catalogue as it will be, by code; a service whose row has a fault may lack a field."""
    catalogue: dict[str, dict[str, Any]] = {code: dict(values) for code, values in stored.items()}
    for key, row in sheet.by_key.items():
        catalogue[key[0]] = dict(row.values)
    return catalogue
