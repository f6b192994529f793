"""camt.053 (ISO 20022, bank to customer statement), any version, into statements.

No well-kept parser under a free licence was found for Python; the message is read by its own element names. Bytes
come from outside: no document type, no entity, no network, no file but this one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from lxml import etree

from billing.bank.formats.statement import (
    FAULTS_MAX,
    LINES_MAX,
    NAME_LENGTH_MAX,
    STATEMENTS_MAX,
    BadText,
    BankLine,
    FileContent,
    LeftOut,
    Statement,
    account,
    centimes,
    day,
    identity,
    is_of,
    reference,
    refuse,
    tidy,
)
from billing.frame.errors import Fault, Refused

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}", re.ASCII)
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le"))
# An opening balance is of this statement or, second best, the closing one of the statement before.
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_INTERMEDIATE = "INTM"
_SIGNS = {"CRDT": 1, "DBIT": -1}
_BOOKED = "BOOK"
# Where a detail gives the amount that was ordered, that of the transaction, and what was moved.
_ORDERED = (("AmtDtls", "InstdAmt", "Amt"),)
_TRANSACTED = (("AmtDtls", "TxAmt", "Amt"),)
_MOVED = (("Amt",), *_TRANSACTED)

Element: TypeAlias = etree._Element


def parse_camt(content: bytes, file: str, own_account: str = "") -> FileContent:
    """Return the statements of a camt.053 file in its order, without pending movements; raises Refused."""
    if any(doctype in content for doctype in _DOCTYPES):
        raise refuse(file, "declares a document type", "a bank's statement has none: ask the bank for the file again")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refuse(file, f"is not well-formed XML: {error}", "ask the bank for the file again") from None
    if _doctype(root):
        raise refuse(file, "declares a document type", "a bank's statement has none: ask the bank for the file again")
    namespace = etree.QName(root).namespace or ""
    if _NAMESPACE.fullmatch(namespace) is None:
        kind = namespace or etree.QName(root).localname
        raise refuse(file, f"is no camt.053 but {kind[:100]!r}", "ask the bank for statements as camt.053")
    # An element that is held keeps its tag, and isn't made anew each time it is looked at.
    held = list(root.iter(etree.Element))
    tags = Counter(element.tag for element in held)
    for name, most in (("Stmt", STATEMENTS_MAX), ("Ntry", LINES_MAX), ("TxDtls", LINES_MAX)):
        counted = sum(count for tag, count in tags.items() if tag.rpartition("}")[2] == name)
        if counted > most:
            raise refuse(file, f"holds {counted} elements {name}, more than {most}", "import it in parts")
    return _Reading(file, namespace).content(root, own_account)


def _doctype(root: Element) -> str:
    declared: Any = root.getroottree().docinfo
    return str(declared.doctype)


def _line_of(element: Element) -> int | None:
    """Return the line of the file on which an element begins."""
    line: Any = element.sourceline
    return line if isinstance(line, int) else None


class _BadField(ValueError):
    """A field can't be read: its name, its text, the problem."""

    def __init__(self, field: str, value: str | None, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.value = value
        self.problem = problem


class _Common(NamedTuple):
    """The fields that the lines of one entry share."""

    booked_on: date
    value_on: date
    bank_reference: str
    text: str
    code: str
    is_reversal: bool


class _Balance(NamedTuple):
    """A balance in centimes, with its day where it is said, and its currency."""

    amount: int
    on: date | None
    currency: str


class _Reading:
    """One file while it is read: its namespace, and its faults so far."""

    def __init__(self, file: str, namespace: str) -> None:
        self.file = file
        # Children are looked up by their whole names; where there are many, the namespace is cut off by length.
        self._namespace = f"{{{namespace}}}"
        self._cut = len(self._namespace)
        self.faults: list[Fault] = []

    def content(self, root: Element, own_account: str) -> FileContent:
        """Return the statements of the message; of `own_account` alone where it is given, the others are not read."""
        message = self._child(root, "BkToCstmrStmt")
        elements = [] if message is None else self._all(message, "Stmt")
        statements: list[Statement] = []
        left_out: list[LeftOut] = []
        for element in elements:
            number, currency = self._account(element)
            if is_of(number, own_account):
                statement = self._statement(element, number, currency)
                statements += [] if statement is None else [statement]
            else:
                name = reference(self._text(element, "Id"))
                left_out.append(LeftOut(number, currency, name, len(self._all(element, "Ntry"))))
        if not elements:
            self._fault(None, "Stmt", None, "holds no statement", "ask the bank for the file again")
        if self.faults:
            raise Refused(self.faults)
        return FileContent(tuple(statements), tuple(left_out))

    def _account(self, element: Element) -> tuple[str, str]:
        """Return the account of a statement and its currency, where they are said."""
        own = self._child(element, "Acct")
        number = self._text(own, "Id", "IBAN") or self._text(own, "Id", "Othr", "Id")
        return account(number), self._text(own, "Ccy")

    # --- navigating ----------------------------------------------------------------------------------

    def _children(self, element: Element | None) -> dict[str, Element]:
        if element is None:
            return {}
        cut = self._cut
        return {child.tag[cut:]: child for child in element}

    def _child(self, element: Element | None, *path: str) -> Element | None:
        """Return the first child of that name, its first child of the next, and so on; None where one is missing.

        Elements have few children: looking at each tag is twice as fast as asking for one.
        """
        for name in path:
            if element is None:
                return None
            wanted = self._namespace + name
            for child in element:
                if child.tag == wanted:
                    element = child
                    break
            else:
                return None
        return element

    def _all(self, element: Element, name: str) -> list[Element]:
        wanted = self._namespace + name
        return [child for child in element if child.tag == wanted]

    def _text(self, element: Element | None, *path: str) -> str:
        if element is None:
            return ""
        child = self._child(element, *path)
        return "" if child is None else (child.text or "").strip()

    def _fault(self, place: int | None, field: str, value: str | None, problem: str, remedy: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            shown = None if value is None else value[:100]
            self.faults.append(Fault(self.file, place, field, shown, problem, remedy))

    # --- one statement -------------------------------------------------------------------------------

    def _statement(self, element: Element, number: str, currency: str) -> Statement | None:
        before = len(self.faults)
        opening, closing = self._balance(element, _OPENING), self._balance(element, _CLOSING)
        for which, codes, balance in (("opening", _OPENING, opening), ("closing", _CLOSING, closing)):
            if balance is None and len(self.faults) == before:
                self._no_balance(element, which, codes)
        if opening is None or closing is None or closing.on is None:
            return None
        lines: list[BankLine] = []
        currencies = {currency} if currency else set()
        for entry in self._all(element, "Ntry"):
            try:
                lines += self._entry(entry, closing.on, currencies)
            except _BadField as error:
                self._fault(_line_of(entry), error.field, error.value, error.problem, "see the entry on that line")
            if len(self.faults) == FAULTS_MAX:
                break
        if len(self.faults) > before:
            return None
        currencies |= {opening.currency, closing.currency}
        if len(currencies) > 1:
            several = ", ".join(sorted(currencies))
            self._fault(
                None, "Ccy", several, "are several currencies in one statement", "ask the bank for one a currency"
            )
            return None
        return Statement(
            self.file, number, closing.currency, reference(self._text(element, "Id")), opening.on, opening.amount,
            closing.on, closing.amount, tuple(lines),
        )  # fmt: skip

    def _no_balance(self, element: Element, which: str, codes: tuple[str, ...]) -> None:
        """Add the fault of a statement without a balance: a page of one has some on its other pages."""
        page = self._child(element, "StmtPgntn")
        remedy = "ask the bank for a whole statement"
        if page is not None:
            remedy = f"it is page {self._text(page, 'PgNb')} of a statement in several files: ask the bank for one file"
        self._fault(_line_of(element), "Bal", None, f"holds no {which} balance ({' or '.join(codes)})", remedy)

    def _balance(self, statement: Element, codes: tuple[str, ...]) -> _Balance | None:
        """Return a balance; one within a statement of several pages only if no other is."""
        ranked: list[tuple[int, int, Element]] = []
        for place, element in enumerate(self._all(statement, "Bal")):
            kind = self._child(element, "Tp")
            code = self._text(kind, "CdOrPrtry", "Cd")
            if code in codes:
                partial = self._text(kind, "SubTp", "Cd") == _INTERMEDIATE
                ranked.append((codes.index(code) + (len(codes) if partial else 0), place, element))
        if not ranked:
            return None
        element = min(ranked)[2]
        try:
            amount, currency = self._amount(element)
            day_of = self._child(element, "Dt")
            written = self._text(day_of, "Dt") or self._text(day_of, "DtTm")
            # Nothing rests on the day of the opening balance.
            on = self._day(written, "Bal/Dt") if written or codes == _CLOSING else None
        except _BadField as error:
            self._fault(_line_of(element), error.field, error.value, error.problem, "ask the bank for the file again")
            return None
        return _Balance(amount, on, currency)

    def _amount(self, element: Element) -> tuple[int, str]:
        """Return the signed amount of an entry or a balance, and its currency."""
        unsigned = self._child(element, "Amt")
        sign = _SIGNS.get(self._text(element, "CdtDbtInd"))
        if unsigned is None or sign is None:
            raise _BadField("CdtDbtInd" if unsigned is not None else "Amt", None, "is missing")
        return sign * self._centimes(unsigned), unsigned.get("Ccy") or ""

    def _centimes(self, element: Element) -> int:
        text = (element.text or "").strip()
        try:
            amount = centimes(text)
        except BadText as error:
            raise _BadField("Amt", text, str(error)) from None
        if amount < 0 or text.startswith(("+", "-")):
            raise _BadField("Amt", text, "bears a sign, which CdtDbtInd gives")
        return amount

    def _day(self, text: str, field: str) -> date:
        try:
            return day(text)
        except BadText as error:
            raise _BadField(field, text, str(error)) from None

    # --- one entry -----------------------------------------------------------------------------------

    def _entry(self, entry: Element, closed_on: date, currencies: set[str]) -> list[BankLine]:
        """Return the lines of an entry: one, or one a detail where details have amounts of their own; and its charges.

        Without a day it was booked on the day of the closing balance, or on its value day where that is earlier.
        """
        children = self._children(entry)
        status = children.get("Sts")
        # A code of its own since version 08.
        if status is not None and (self._text(status, "Cd") or (status.text or "").strip()) != _BOOKED:
            return []
        amount, currency = self._amount(entry)
        currencies.add(currency)
        booked_on, value_on = self._days(children, closed_on)
        common = _Common(
            booked_on,
            value_on,
            self._text(children.get("AcctSvcrRef")) or self._text(children.get("NtryRef")),
            tidy(self._text(children.get("AddtlNtryInf"))),
            self._code(children.get("BkTxCd")),
            self._text(children.get("RvslInd")) in ("true", "1"),
        )
        details = [detail for child in self._all(entry, "NtryDtls") for detail in self._all(child, "TxDtls")]
        amounts = self._amounts(entry, details or [entry], amount, currency)
        if amounts is None or amounts == [amount]:
            line = self._whole(common, details, amount)
            return [line] if amount else []
        places = [""] if len(amounts) == 1 else [f"/{place}" for place in range(1, len(amounts) + 1)]
        movements: list[Element | None] = [*details] or [None]
        lines = [
            self._line(common, detail, part, place)
            for detail, part, place in zip(movements, amounts, places, strict=True)
        ]
        charges = amount - sum(amounts)
        if charges:
            blank = self._line(common, None, charges, "/0")
            lines.append(blank._replace(text=tidy(f"Frais {blank.text}")))
        return [line for line in lines if line.amount]

    def _days(self, children: dict[str, Element], closed_on: date) -> tuple[date, date]:
        """Return the booking day and the value day of an entry."""
        booked, value = (
            self._text(children.get(name), "Dt") or self._text(children.get(name), "DtTm")
            for name in ("BookgDt", "ValDt")
        )
        value_on = self._day(value, "ValDt") if value else None
        booked_on = self._day(booked, "BookgDt") if booked else min(value_on or closed_on, closed_on)
        return booked_on, value_on or booked_on

    def _whole(self, common: _Common, details: list[Element], amount: int) -> BankLine:
        """Return an entry as one line: with its one detail, or with what all its details say."""
        line = self._line(common, details[0] if len(details) == 1 else None, amount, "")
        if len(details) < 2:
            return line
        lines = [self._line(common, detail, amount, "") for detail in details]
        before = line._replace(
            text=tidy(" / ".join(dict.fromkeys([common.text, *(one.text for one in lines)])).strip(" /"))
        )
        names = dict.fromkeys(one.counterparty for one in lines if one.counterparty)
        texts = [
            " ".join(text for text in (one.structured_reference, one.end_to_end_id, one.text) if text) for one in lines
        ]
        line = line._replace(
            counterparty=tidy(" / ".join(names), NAME_LENGTH_MAX),
            text=tidy(" / ".join(text for text in dict.fromkeys(texts) if text)),
        )
        return _known_by(line, before)

    # --- amounts and charges -------------------------------------------------------------------------

    def _amounts(self, entry: Element, details: list[Element], amount: int, currency: str) -> list[int] | None:
        """Return the amounts of an entry's details, if with the charges they make the entry's; None if they don't.

        What the payers ordered is taken where the charges told are just what the bank kept of it; otherwise the amounts
        of the movements. Charges stand on the details, on the entry as their sum, or on both.
        """
        own = [self._charges(detail, currency) for detail in details]
        shared = 0 if details == [entry] else self._charges(entry, currency)
        kept = {sum(own), shared, sum(own) + shared}
        sign = 1 if amount >= 0 else -1
        for paths, differences in ((_ORDERED, kept - {0}), (_TRANSACTED, kept - {0}), (_MOVED, kept | {0})):
            if not differences:
                continue
            amounts = [self._part(detail, paths, sign, currency) for detail in details]
            known = [part for part in amounts if part is not None]
            if len(known) == len(details) and sum(known) - amount in differences:
                break
        else:
            known = []
        included = self._charges(details[0], currency, included=True) if len(details) == 1 else 0
        if included and known in ([], [amount]):
            return [amount + included]
        return known or None

    def _part(self, detail: Element, paths: tuple[tuple[str, ...], ...], sign: int, currency: str) -> int | None:
        """Return the amount that a detail gives in one of these places, in the entry's currency; None: none."""
        for path in paths:
            unsigned = self._child(detail, *path)
            if unsigned is not None and unsigned.get("Ccy") == currency:
                return _SIGNS.get(self._text(detail, "CdtDbtInd"), sign) * self._centimes(unsigned)
        return None

    def _charges(self, element: Element, currency: str, *, included: bool = False) -> int:
        """Return what the bank kept by the charges of an entry or a detail, in centimes; what it gave back is negative.

        `included`: only charges that are said to be within the amount.
        """
        total = 0
        for charges in self._all(element, "Chrgs"):
            # Records of their own since version 04, and their sum.
            records = self._all(charges, "Rcrd") or [charges]
            for record in records:
                unsigned = self._child(record, "Amt")
                if unsigned is None:
                    unsigned = self._child(charges, "TtlChrgsAndTaxAmt")
                if unsigned is None or unsigned.get("Ccy") != currency:
                    continue
                if not included or self._text(record, "ChrgInclInd") in ("true", "1"):
                    total -= _SIGNS.get(self._text(record, "CdtDbtInd"), -1) * self._centimes(unsigned)
        return total

    def _code(self, element: Element | None) -> str:
        """Return the bank's kind of movement: `PMNT/RCDT/ESCT`, or its own code."""
        domain = self._child(element, "Domn")
        if domain is None:
            return tidy(self._text(element, "Prtry", "Cd"), 35)
        family = self._child(domain, "Fmly")
        parts = (self._text(domain, "Cd"), self._text(family, "Cd"), self._text(family, "SubFmlyCd"))
        return tidy("/".join(part for part in parts if part), 35)

    def _line(self, common: _Common, detail: Element | None, amount: int, place: str) -> BankLine:
        children = self._children(detail)
        references = self._children(children.get("Refs"))
        structured, texts = self._remittance(children.get("RmtInf"))
        texts += [self._text(children.get("AddtlTxInf")), common.text]
        own = reference(self._text(references.get("AcctSvcrRef")))
        shared = reference(common.bank_reference)
        # The other side: the payer of what came in, the payee of what went out; of a movement that takes
        # another back, the parties are those of the first one.
        came_in = (amount > 0) != common.is_reversal
        roles = ("Dbtr", "Cdtr") if came_in else ("Cdtr", "Dbtr")
        # The other side alone: we are the second one, unless the bank turns the parties of a reversal round.
        parties = children.get("RltdPties")
        name, number = self._party(parties, roles if common.is_reversal else roles[:1])
        before = BankLine(
            booked_on=common.booked_on,
            value_on=common.value_on,
            amount=amount,
            bank_reference=own or (f"{shared}{place}" if shared else ""),
            end_to_end_id=reference(self._text(references.get("EndToEndId"))),
            structured_reference=tidy(structured[0] if structured else "", 35),
            counterparty=name,
            counterparty_account=number,
            text=tidy(" ".join(dict.fromkeys(text for text in texts if text))),
            code=common.code,
            is_reversal=common.is_reversal,
        )
        more = [
            *structured[1:],
            self._text(references.get("ChqNb")),
            *(party for role in roles[:1] if (party := self._name(parties, f"Ultmt{role}")) != name),
            self._text(children.get("RtrInf"), "AddtlInf"),
        ]
        added = dict.fromkeys(text for text in more if text and text not in before.text)
        return _known_by(before._replace(text=tidy(" ".join((before.text, *added)))), before) if added else before

    def _remittance(self, element: Element | None) -> tuple[list[str], list[str]]:
        """Return the structured references of a payment, and its texts: free ones and the numbers of documents paid."""
        structured: list[str] = []
        texts: list[str] = []
        for child in () if element is None else element:
            kind = child.tag[self._cut :]
            if kind == "Ustrd":
                texts.append((child.text or "").strip())
            elif kind == "Strd":
                structured.append(self._text(child, "CdtrRefInf", "Ref"))
                texts += [text for text in self._structured_texts(child) if text]
        return [text for text in structured if text], texts

    def _structured_texts(self, element: Element) -> Iterator[str]:
        """Yield the numbers of the documents paid, and what is added to them."""
        for child in element:
            kind = child.tag[self._cut :]
            if kind == "RfrdDocInf":
                yield self._text(child, "Nb")
            elif kind == "AddtlRmtInf":
                yield (child.text or "").strip()

    def _party(self, parties: Element | None, roles: tuple[str, ...]) -> tuple[str, str]:
        """Return the name and account of the first of those roles that is there."""
        children = self._children(parties)
        for role in roles:
            identification = self._child(children.get(f"{role}Acct"), "Id")
            number = self._text(identification, "IBAN") or self._text(identification, "Othr", "Id")
            name = self._name(parties, role) or self._name(parties, f"Ultmt{role}")
            if name or number:
                return tidy(name, NAME_LENGTH_MAX), account(number)
        return "", ""

    def _name(self, parties: Element | None, role: str) -> str:
        """Return the name of a party; it has an element of its own since version 08."""
        return self._text(parties, role, "Nm") or self._text(parties, role, "Pty", "Nm")


def _known_by(line: BankLine, before: BankLine) -> BankLine:
    """Return a line of which more is read than before, known by what was read then."""
    return line if identity(line) == identity(before) else line._replace(known_by=identity(before))
