"""camt.053 (ISO 20022, bank to customer statement), any version, into statements.

No well-kept parser under a free licence was found for Python; the message is read by its own element names. Bytes
come from outside: no document type, no entity, no network, no file but this one.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from lxml import etree

from billing.bank.formats.statement import (
    ELEMENTS_MAX,
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
_ORDERED = ("AmtDtls/InstdAmt/Amt",)
_TRANSACTED = ("AmtDtls/TxAmt/Amt",)
_MOVED = ("Amt", *_TRANSACTED)
# There may be several of these, and several in them: they are looked into by themselves.
_APART = frozenset({"NtryDtls", "RmtInf", "Chrgs"})

Element: TypeAlias = etree._Element
# The elements below one by their paths, `RltdPties/Dbtr/Nm`: of several children of one name the first.
Fields: TypeAlias = dict[str, Element]


def parse_camt(content: bytes, file: str, own_account: str = "") -> FileContent:
    """Return the statements of a camt.053 file in its order, without pending movements; raises Refused."""
    if any(doctype in content for doctype in _DOCTYPES):
        raise refuse(file, "declares a document type", "a bank's statement has none: ask the bank for the file again")
    # Each element has two signs of it at most, and what is not read yet costs nothing.
    if content.count(b"<") > 2 * ELEMENTS_MAX:
        raise refuse(file, f"has more than {ELEMENTS_MAX} elements", "import it in parts")
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
    for name, most in (("Stmt", STATEMENTS_MAX), ("Ntry", LINES_MAX), ("TxDtls", LINES_MAX), ("Bal", LINES_MAX)):
        counted = sum(1 for _ in root.iter(f"{{*}}{name}"))
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


class _Paths(dict[str, "tuple[str, _Paths | None]"]):
    """The paths of the elements at one place, by their whole names, with those below; each is written once."""

    def __init__(self, path: str, cut: int) -> None:
        self._path = path
        self._cut = cut

    def __missing__(self, tag: str) -> "tuple[str, _Paths | None]":
        path = self._path + tag[self._cut :]
        known = self[tag] = path, None if path in _APART else _Paths(f"{path}/", self._cut)
        return known


class _Reading:
    """One file while it is read: its namespace, and its faults so far."""

    def __init__(self, file: str, namespace: str) -> None:
        self.file = file
        # Children are looked up by their whole names; where all are gathered, the namespace is cut off by length.
        self._namespace = f"{{{namespace}}}"
        self._cut = len(self._namespace)
        self._paths = _Paths("", self._cut)
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

    def _fields(self, element: Element) -> Fields:
        """Return the elements below one, each looked at once however often it is asked for."""
        fields: Fields = {}
        _gather(fields, element, self._paths)
        return fields

    def _child(self, element: Element | None, *path: str) -> Element | None:
        """Return the first child of that name, its first child of the next, and so on; None where one is missing."""
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
            code = self._text(element, "Tp", "CdOrPrtry", "Cd")
            if code in codes:
                partial = self._text(element, "Tp", "SubTp", "Cd") == _INTERMEDIATE
                ranked.append((codes.index(code) + (len(codes) if partial else 0), place, element))
        if not ranked:
            return None
        element = min(ranked)[2]
        try:
            fields = self._fields(element)
            amount, currency = self._amount(fields)
            written = _said(fields, "Dt/Dt") or _said(fields, "Dt/DtTm")
            # Nothing rests on the day of the opening balance.
            on = self._day(written, "Bal/Dt") if written or codes == _CLOSING else None
        except _BadField as error:
            self._fault(_line_of(element), error.field, error.value, error.problem, "ask the bank for the file again")
            return None
        return _Balance(amount, on, currency)

    def _amount(self, fields: Fields) -> tuple[int, str]:
        """Return the signed amount of an entry or a balance, and its currency."""
        unsigned = fields.get("Amt")
        sign = _SIGNS.get(_said(fields, "CdtDbtInd"))
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
        fields = self._fields(entry)
        # A code of its own since version 08.
        if "Sts" in fields and (_said(fields, "Sts/Cd") or _said(fields, "Sts")) != _BOOKED:
            return []
        amount, currency = self._amount(fields)
        currencies.add(currency)
        booked_on, value_on = self._days(fields, closed_on)
        common = _Common(
            booked_on,
            value_on,
            _said(fields, "AcctSvcrRef") or _said(fields, "NtryRef"),
            tidy(_said(fields, "AddtlNtryInf")),
            _code(fields),
            _said(fields, "RvslInd") in ("true", "1"),
        )
        details = [
            self._fields(detail)
            for child in _several(fields, "NtryDtls")
            for detail in child.iterchildren(self._namespace + "TxDtls")
        ]
        amounts = self._amounts(fields, details, amount, currency)
        if amounts is None or amounts == [amount]:
            line = self._whole(common, details, amount)
            return [line] if amount else []
        places = [""] if len(amounts) == 1 else [f"/{place}" for place in range(1, len(amounts) + 1)]
        movements = details or [{}]
        lines = [
            self._line(common, detail, part, place)
            for detail, part, place in zip(movements, amounts, places, strict=True)
        ]
        charges = amount - sum(amounts)
        if charges:
            blank = self._line(common, {}, charges, "/0")
            lines.append(blank._replace(text=tidy(f"Frais {blank.text}")))
        return [line for line in lines if line.amount]

    def _days(self, fields: Fields, closed_on: date) -> tuple[date, date]:
        """Return the booking day and the value day of an entry."""
        booked = _said(fields, "BookgDt/Dt") or _said(fields, "BookgDt/DtTm")
        value = _said(fields, "ValDt/Dt") or _said(fields, "ValDt/DtTm")
        value_on = self._day(value, "ValDt") if value else None
        booked_on = self._day(booked, "BookgDt") if booked else min(value_on or closed_on, closed_on)
        return booked_on, value_on or booked_on

    def _whole(self, common: _Common, details: list[Fields], amount: int) -> BankLine:
        """Return an entry as one line: with its one detail, or with what all its details say."""
        line = self._line(common, details[0] if len(details) == 1 else {}, amount, "")
        if len(details) < 2:
            return line
        lines = [self._line(common, detail, amount, "") for detail in details]
        before = line._replace(
            text=tidy(" / ".join(dict.fromkeys([common.text, *(part.text for part in lines)])).strip(" /"))
        )
        names = dict.fromkeys(part.counterparty for part in lines if part.counterparty)
        texts = [
            " ".join(text for text in (part.structured_reference, part.end_to_end_id, part.text) if text)
            for part in lines
        ]
        line = line._replace(
            counterparty=tidy(" / ".join(names), NAME_LENGTH_MAX),
            text=tidy(" / ".join(text for text in dict.fromkeys(texts) if text)),
        )
        return _known_by(line, before)

    # --- amounts and charges -------------------------------------------------------------------------

    def _amounts(self, entry: Fields, details: list[Fields], amount: int, currency: str) -> list[int] | None:
        """Return the amounts of an entry's details, if with the charges they make the entry's; None if they don't.

        An entry without details is its own.

        What the payers ordered is taken where the charges told are just what the bank kept of it; otherwise the amounts
        of the movements. Charges stand on the details, on the entry as their sum, or on both.
        """
        shared = self._charges(entry, currency) if details else 0
        details = details or [entry]
        own = [self._charges(detail, currency) for detail in details]
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

    def _part(self, detail: Fields, paths: tuple[str, ...], sign: int, currency: str) -> int | None:
        """Return the amount that a detail gives in one of these places, in the entry's currency; None: none."""
        for path in paths:
            unsigned = detail.get(path)
            if unsigned is not None and unsigned.get("Ccy") == currency:
                return _SIGNS.get(_said(detail, "CdtDbtInd"), sign) * self._centimes(unsigned)
        return None

    def _charges(self, fields: Fields, currency: str, *, included: bool = False) -> int:
        """Return what the bank kept by the charges of an entry or a detail, in centimes; what it gave back is negative.

        `included`: only charges that are said to be within the amount.
        """
        if "Chrgs" not in fields:
            return 0
        total = 0
        for charges in _several(fields, "Chrgs"):
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

    def _line(self, common: _Common, detail: Fields, amount: int, place: str) -> BankLine:
        structured, texts = self._remittance(detail.get("RmtInf"))
        texts += [_said(detail, "AddtlTxInf"), common.text]
        own = reference(_said(detail, "Refs/AcctSvcrRef"))
        shared = reference(common.bank_reference)
        # The other side: the payer of what came in, the payee of what went out; of a movement that takes
        # another back, the parties are those of the first one.
        came_in = (amount > 0) != common.is_reversal
        roles = ("Dbtr", "Cdtr") if came_in else ("Cdtr", "Dbtr")
        # The other side alone: we are the second one, unless the bank turns the parties of a reversal round.
        name, number = _party(detail, roles if common.is_reversal else roles[:1])
        before = BankLine(
            booked_on=common.booked_on,
            value_on=common.value_on,
            amount=amount,
            bank_reference=own or (f"{shared}{place}" if shared else ""),
            end_to_end_id=reference(_said(detail, "Refs/EndToEndId")),
            structured_reference=tidy(structured[0] if structured else "", 35),
            counterparty=name,
            counterparty_account=number,
            text=tidy(" ".join(dict.fromkeys(text for text in texts if text))),
            code=common.code,
            is_reversal=common.is_reversal,
        )
        more = [
            *structured[1:],
            _said(detail, "Refs/ChqNb"),
            *(party for role in roles[:1] if (party := _name(detail, f"Ultmt{role}")) != name),
            _said(detail, "RtrInf/AddtlInf"),
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
                for part in child:
                    self._structured(part, structured, texts)
        return [text for text in structured if text], texts

    def _structured(self, part: Element, references: list[str], texts: list[str]) -> None:
        """Add the reference that a part of a structured remittance gives, the number of a document, or its text."""
        kind = part.tag[self._cut :]
        if kind == "CdtrRefInf":
            references.append(self._text(part, "Ref"))
        elif kind == "RfrdDocInf":
            texts.append(self._text(part, "Nb"))
        elif kind == "AddtlRmtInf":
            texts.append((part.text or "").strip())


def _gather(fields: Fields, element: Element, paths: _Paths) -> None:
    for child in element:
        path, below = paths[child.tag]
        if path not in fields:
            fields[path] = child
            if below is not None and len(child):
                _gather(fields, child, below)


def _said(fields: Fields, path: str) -> str:
    """Return the text of an element; blank where it is missing."""
    element = fields.get(path)
    return "" if element is None else (element.text or "").strip()


def _several(fields: Fields, path: str) -> Iterator[Element]:
    """Yield the children of a name, where there may be several."""
    first = fields.get(path)
    if first is not None:
        yield first
        yield from first.itersiblings(first.tag)


def _code(fields: Fields) -> str:
    """Return the bank's kind of movement: `PMNT/RCDT/ESCT`, or its own code."""
    if "BkTxCd/Domn" not in fields:
        return tidy(_said(fields, "BkTxCd/Prtry/Cd"), 35)
    parts = (_said(fields, f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd"))
    return tidy("/".join(part for part in parts if part), 35)


def _party(detail: Fields, roles: tuple[str, ...]) -> tuple[str, str]:
    """Return the name and account of the first of those roles that is there."""
    for role in roles:
        identification = f"RltdPties/{role}Acct/Id"
        number = _said(detail, f"{identification}/IBAN") or _said(detail, f"{identification}/Othr/Id")
        name = _name(detail, role) or _name(detail, f"Ultmt{role}")
        if name or number:
            return tidy(name, NAME_LENGTH_MAX), account(number)
    return "", ""


def _name(detail: Fields, role: str) -> str:
    """Return the name of a party; it has an element of its own since version 08."""
    return _said(detail, f"RltdPties/{role}/Nm") or _said(detail, f"RltdPties/{role}/Pty/Nm")


def _known_by(line: BankLine, before: BankLine) -> BankLine:
    """Return a line of which more is read than before, known by what was read then."""
    return line if identity(line) == identity(before) else line._replace(known_by=identity(before))
