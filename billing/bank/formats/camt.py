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
    FAULTS_MAX,
    LINES_MAX,
    NAME_LENGTH_MAX,
    BadText,
    BankLine,
    Statement,
    account,
    centimes,
    day,
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

Element: TypeAlias = etree._Element


def parse_camt(content: bytes, file: str) -> tuple[Statement, ...]:
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
    return _Reading(file, namespace).statements(root)


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


class _Reading:
    """One file while it is read: its namespace, and its faults so far."""

    def __init__(self, file: str, namespace: str) -> None:
        self.file = file
        # Children are looked up by their whole names; where there are many, the namespace is cut off by length.
        self._namespace = f"{{{namespace}}}"
        self._cut = len(self._namespace)
        self.faults: list[Fault] = []

    def statements(self, root: Element) -> tuple[Statement, ...]:
        """Return every statement of the message."""
        message = self._child(root, "BkToCstmrStmt")
        elements = [] if message is None else self._all(message, "Stmt")
        statements = [statement for element in elements if (statement := self._statement(element)) is not None]
        if not elements:
            self._fault(None, "Stmt", None, "holds no statement", "ask the bank for the file again")
        if self.faults:
            raise Refused(self.faults)
        return tuple(statements)

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

    def _statement(self, element: Element) -> Statement | None:
        before = len(self.faults)
        own = self._child(element, "Acct")
        number = self._text(own, "Id", "IBAN") or self._text(own, "Id", "Othr", "Id")
        currency = self._text(own, "Ccy")
        opening, closing = self._balance(element, _OPENING), self._balance(element, _CLOSING)
        for which, codes, balance in (("opening", _OPENING, opening), ("closing", _CLOSING, closing)):
            if balance is None and len(self.faults) == before:
                problem = f"holds no {which} balance ({' or '.join(codes)})"
                self._fault(None, "Bal", None, problem, "ask the bank for a whole statement")
        entries = self._all(element, "Ntry")
        if len(entries) > LINES_MAX:
            self._fault(None, "Ntry", str(len(entries)), f"is more than {LINES_MAX} entries", "import it in parts")
            return None
        lines: list[BankLine] = []
        currencies = {currency} if currency else set()
        for entry in entries:
            try:
                lines += self._entry(entry, currencies)
            except _BadField as error:
                self._fault(_line_of(entry), error.field, error.value, error.problem, "see the entry on that line")
        if opening is None or closing is None or len(self.faults) > before:
            return None
        currencies |= {opening[2], closing[2]}
        if len(currencies) > 1:
            several = ", ".join(sorted(currencies))
            self._fault(
                None, "Ccy", several, "are several currencies in one statement", "ask the bank for one a currency"
            )
            return None
        return Statement(
            self.file, account(number), closing[2], reference(self._text(element, "Id")), opening[1], opening[0],
            closing[1], closing[0], tuple(lines),
        )  # fmt: skip

    def _balance(self, statement: Element, codes: tuple[str, ...]) -> tuple[int, date, str] | None:
        """Return a balance's amount, day and currency; one within a statement of several pages only if no other is."""
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
            on = self._day(self._text(day_of, "Dt") or self._text(day_of, "DtTm"), "Bal/Dt")
        except _BadField as error:
            self._fault(None, error.field, error.value, error.problem, "ask the bank for the file again")
            return None
        return amount, on, currency

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

    def _entry(self, entry: Element, currencies: set[str]) -> list[BankLine]:
        """Return the lines of an entry: one, or one a detail where the details of a batch have their own amounts."""
        children = self._children(entry)
        status = children.get("Sts")
        # A code of its own since version 08.
        if status is not None and (self._text(status, "Cd") or (status.text or "").strip()) != _BOOKED:
            return []
        amount, currency = self._amount(entry)
        currencies.add(currency)
        booked = children.get("BookgDt")
        value = children.get("ValDt")
        booked_text = self._text(booked, "Dt") or self._text(booked, "DtTm")
        value_text = self._text(value, "Dt") or self._text(value, "DtTm")
        booked_on = self._day(booked_text or value_text, "BookgDt")
        common = _Common(
            booked_on,
            self._day(value_text, "ValDt") if value_text else booked_on,
            self._text(children.get("AcctSvcrRef")) or self._text(children.get("NtryRef")),
            tidy(self._text(children.get("AddtlNtryInf"))),
            self._code(children.get("BkTxCd")),
            self._text(children.get("RvslInd")) in ("true", "1"),
        )
        details = [detail for child in self._all(entry, "NtryDtls") for detail in self._all(child, "TxDtls")]
        amounts = self._amounts(details, amount, currency) if len(details) > 1 else None
        if amounts is None:
            line = self._line(common, details[0] if len(details) == 1 else None, amount, "")
            if len(details) > 1:
                texts = [self._line(common, detail, amount, "").text for detail in details]
                line = line._replace(text=tidy(" / ".join(dict.fromkeys([common.text, *texts])).strip(" /")))
            return [line] if amount else []
        lines = [
            self._line(common, detail, part, f"/{place}")
            for place, (detail, part) in enumerate(zip(details, amounts, strict=True), 1)
        ]
        charges = amount - sum(amounts)
        if charges:
            blank = self._line(common, None, charges, "/0")
            lines.append(blank._replace(text=tidy(f"Frais {blank.text}")))
        return [line for line in lines if line.amount]

    def _amounts(self, details: list[Element], amount: int, currency: str) -> list[int] | None:
        """Return the amounts of a batch's details, if with their charges they make the entry's; None if they don't."""
        sign = 1 if amount >= 0 else -1
        amounts, charges = [], 0
        for detail in details:
            unsigned = self._child(detail, "Amt")
            if unsigned is None:
                unsigned = self._child(detail, "AmtDtls", "TxAmt", "Amt")
            if unsigned is None or unsigned.get("Ccy") != currency:
                return None
            own_sign = _SIGNS.get(self._text(detail, "CdtDbtInd"), sign)
            amounts.append(own_sign * self._centimes(unsigned))
            charges += self._charges(detail, currency)
        return amounts if sum(amounts) in (amount, amount + charges) else None

    def _charges(self, detail: Element, currency: str) -> int:
        """Return the bank's charges for a movement, in centimes."""
        total = 0
        charges = self._child(detail, "Chrgs")
        # Records of their own since version 04.
        for record in [] if charges is None else (self._all(charges, "Rcrd") or [charges]):
            amount = self._child(record, "Amt")
            if amount is not None and amount.get("Ccy") == currency:
                total += self._centimes(amount)
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
        remittance = children.get("RmtInf")
        structured: list[str] = []
        texts: list[str] = []
        for child in () if remittance is None else remittance:
            kind = child.tag[self._cut :]
            if kind == "Ustrd":
                texts.append((child.text or "").strip())
            elif kind == "Strd":
                structured.append(self._text(child, "CdtrRefInf", "Ref"))
                texts += [text for text in self._structured_texts(child) if text]
        texts += [self._text(children.get("AddtlTxInf")), common.text]
        own = reference(self._text(references.get("AcctSvcrRef")))
        shared = reference(common.bank_reference)
        # The other side: the payer of what came in, the payee of what went out; of a movement that takes
        # another back, the parties are those of the first one.
        came_in = (amount > 0) != common.is_reversal
        roles = ("Dbtr", "Cdtr") if came_in else ("Cdtr", "Dbtr")
        # The other side alone: we are the second one, unless the bank turns the parties of a reversal round.
        name, number = self._party(children.get("RltdPties"), roles if common.is_reversal else roles[:1])
        return BankLine(
            booked_on=common.booked_on,
            value_on=common.value_on,
            amount=amount,
            bank_reference=own or (f"{shared}{place}" if shared else ""),
            end_to_end_id=reference(self._text(references.get("EndToEndId"))),
            structured_reference=tidy(next((text for text in structured if text), ""), 35),
            counterparty=name,
            counterparty_account=number,
            text=tidy(" ".join(dict.fromkeys(text for text in texts if text))),
            code=common.code,
            is_reversal=common.is_reversal,
        )

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
            party = children.get(role)
            # A party's own element since version 08.
            name = self._text(party, "Nm") or self._text(party, "Pty", "Nm")
            ultimate = children.get(f"Ultmt{role}")
            name = name or self._text(ultimate, "Nm") or self._text(ultimate, "Pty", "Nm")
            if name or number:
                return tidy(name, NAME_LENGTH_MAX), account(number)
        return "", ""
