"""The letter of an account statement: line by line, its balance carried from page to page, its ages."""

from billing.receivables.reports.ages import Ages
from billing.receivables.reports.statement import Statement, StatementLine
from invoices import formats
from invoices.document import Party
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, Note, payment_note
from invoices.wording import Wording, paper_language, wording_of


def statement_letter(account: Statement, ages: Ages, seller: Party, buyer: Party) -> Letter:
    """Lay out the statement; `ages` say how old the invoices are that it leaves open."""
    t = wording_of(seller, paper_language(seller, buyer))
    until = t.day(account.until)
    rows = [_row(line, t) for line in account.lines]
    carried = [_carried(line.balance, t) for line in account.lines]
    if account.start is not None:
        opening = t("Solde au {day}", day=t.day(account.start))
        rows.insert(0, ("", "", opening, "", "", "", t.amount(account.opening)))
        carried.insert(0, _carried(account.opening, t))
    return Letter(
        issued_on=account.until,
        seller=seller,
        buyer=buyer,
        subject=t("Relevé de compte au {day}", day=until),
        title=t("Relevé de compte"),
        number=t("Au {day}", day=until),
        addressee=t("Client"),
        facts=(
            Fact(t("Compte client"), account.tenant),
            Fact(t("Période"), _period(account, t)),
            Fact(t("Montants"), t("dirhams (DH), TTC")),
        ),
        paragraphs=() if account.lines else (t("Aucun mouvement sur la période."),),
        columns=(
            Column(t("Date"), "20mm", True),
            Column(t("Pièce"), "30mm", True),
            Column(t("Libellé"), "50mm", True),
            Column(t("Échéance"), "20mm", True),
            Column(t("Débit"), "19mm", False),
            Column(t("Crédit"), "19mm", False),
            Column(t("Solde (DH)"), "22mm", False),
        ),
        rows=tuple(rows),
        sums=(
            (t("Total débit"), t.dirhams(account.debit)),
            (t("Total crédit"), t.dirhams(account.credit)),
            _balance(account.closing, t),
        ),
        in_words=None,
        notes=(payment_note(t("Par virement, en rappelant le numéro de la facture"), seller, t), _ages(ages, t)),
        carried=tuple(carried),
        continued=t("Relevé de compte {tenant} au {day}, suite", tenant=account.tenant, day=until),
        is_compact=True,
        language=t.language,
    )


def _row(line: StatementLine, t: Wording) -> tuple[str, ...]:
    return (
        formats.numeric_day(line.on),
        line.piece,
        _label(line, t),
        "" if line.due_on is None else formats.numeric_day(line.due_on),
        t.amount(line.amount) if line.amount > 0 else "",
        t.amount(-line.amount) if line.amount < 0 else "",
        t.amount(line.balance),
    )


def _label(line: StatementLine, t: Wording) -> str:
    """Return a label of the books, which is in French, with the word that says what moved translated."""
    label = line.label
    if t.language == formats.FRENCH:
        return label
    words = {
        "Facture ponctuelle": t("Facture ponctuelle"), "Facture": t("Facture"), "Avoir": t("Avoir"),
        "Virement": t("Virement"), "Chèque": t("Chèque"), "Effet": t("Effet"), "Espèces": t("Espèces"),
        "Carte": t("Carte"), "Remboursement": t("Remboursement"),
        "Dépôt de garantie": t("Dépôt de garantie"), "Reprise": t("Reprise"), "Droit de timbre": t("Droit de timbre"),
    }  # fmt: skip
    word = next((word for word in words if label.startswith(word)), "")
    if word and line.month is not None:
        return t("{titled}, {month}", titled=words[word], month=t.month(line.month))
    rest = label.removeprefix(word).lstrip(" ,")
    return f"{words[word]} {t.isolated(rest)}".strip() if word else t.isolated(label)


def _carried(balance: int, t: Wording) -> tuple[str, str]:
    amount = t.amount(balance)
    return t("À reporter  {amount}", amount=amount), t("Report  {amount}", amount=amount)


def _period(account: Statement, t: Wording) -> str:
    if account.start is None:
        return t("jusqu’au {day}", day=t.day(account.until))
    return t.days(account.start, account.until)


def _balance(closing: int, t: Wording) -> tuple[str, str]:
    if closing < 0:
        return t("Solde en votre faveur"), t.dirhams(-closing)
    return t("Solde à régler") if closing else t("Compte soldé"), t.dirhams(closing)


def _ages(ages: Ages, t: Wording) -> Note:
    title = t("Factures non réglées")
    if not ages.total:
        return Note(title, (t("Aucune"),))
    labels = (t("Non échu"), t("0 à 30 jours"), t("31 à 60 jours"), t("61 à 90 jours"), t("Plus de 90 jours"))
    lines = (
        t("{label} : {value}", label=label, value=t.dirhams(amount))
        for label, amount in zip(labels, ages, strict=True)
        if amount
    )
    return Note(title, tuple(lines))
