"""The page of a paper, and that of a link that leads nowhere, in the reader's language; no script, nothing fetched."""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from billing.receivables.open_items.document_states import DocumentState
from billing.verification.papers import Paper, PaperState
from billing.verification.proofs import PaperProof
from invoices.document import CREDIT_NOTE
from invoices.wording import LANGUAGES, Wording, wording

_NAMES = {"fr": "Français", "ar": "العربية", "en": "English"}
_STYLE = "verify.css"


def paper_page(paper: Paper, proof: PaperProof | None, seller: str, today: date, language: str) -> str:
    """Return the page of a paper, as it stands today."""
    t = wording(language)
    title = _title(paper, t)
    facts = (
        (t("Émis par"), t.isolated(seller)),
        (t("Date"), t.day(paper.issued_on)),
        (_total_label(paper, t), t.dirhams(abs(paper.total))),
        (t("État au {day}", day=t.day(today)), _state(paper, t)),
    )
    return _rendered(t, title=title, facts=facts, proof=proof)


def unknown_page(language: str) -> str:
    """Return the page of a link that leads to no paper: the same for every such link."""
    t = wording(language)
    return _rendered(t, title=t("Ce lien ne mène à aucun document"), facts=(), proof=None)


def _title(paper: Paper, t: Wording) -> str:
    number = t.isolated(paper.number)
    if paper.kind == "invoice":
        return t("Facture {number}", number=number)
    if paper.kind == CREDIT_NOTE:
        return t("Avoir {number}", number=number)
    if paper.kind == "cash_receipt":
        return t("Reçu d’espèces n° {number}", number=number)
    if paper.kind == "deposit_call":
        return t("Appel de dépôt de garantie n° {number}", number=number)
    return t("Arrêté de compte n° {number}", number=number)


def _total_label(paper: Paper, t: Wording) -> str:
    if paper.kind in ("invoice", CREDIT_NOTE):
        return t("Total TTC")
    if paper.kind == "final_statement":
        return t("Reste dû") if paper.total > 0 else t("À vous restituer") if paper.total else t("Solde")
    return t("Montant")


def _state(paper: Paper, t: Wording) -> str:
    if paper.kind == CREDIT_NOTE:
        is_open = paper.state == DocumentState.OPEN
        return t("Reste à déduire, en tout ou partie") if is_open else t("Déduit ou remboursé")
    said: dict[DocumentState | PaperState, str] = {
        DocumentState.OPEN: t("À régler"),
        DocumentState.OVERDUE: t("Échue, non réglée"),
        DocumentState.PAID: t("Réglée"),
        DocumentState.CREDITED: t("Annulée par avoir"),
        DocumentState.WRITTEN_OFF: t("Passée en perte"),
        PaperState.GIVEN: t("Valable"),
        PaperState.CANCELLED: t("Annulé : il ne vaut plus quittance"),
        PaperState.ASKED: t("En attente de versement"),
        PaperState.HELD: t("Dépôt reçu"),
        PaperState.SPENT: t("Dépôt rendu ou imputé"),
        PaperState.CLOSED: t("Compte arrêté"),
    }
    return said[paper.state]


def _rendered(t: Wording, **texts: Any) -> str:
    others = [(language, _NAMES[language]) for language in LANGUAGES if language != t.language]
    template = _templates().get_template("verify.html")
    return template.render(t=t, style=_style(), others=others, **texts)


@cache
def _style() -> str:
    return (files("billing.verification") / "templates" / _STYLE).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("billing.verification"), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
