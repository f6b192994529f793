"""The page that comes first: what each file is, how it is verified, whom to ask; in French, for an auditor."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files

from sqlalchemy import Connection, select

from billing.audit.bundle.bundled import Bundled
from billing.proof.witnesses import Standing
from invoices import formats
from invoices.document import Party
from ledger.models import entry_counter
from ledger.periods import limits

_TEMPLATE = "LISEZ-MOI.md"
_PROOF = """\
5. **L'histoire des livres n'a pas été récrite.** `preuve/` contient la forme canonique de chaque enregistrement depuis
   l'origine, le journal de Merkle qui les scelle, ses signatures et la clé publique. Le vérificateur est un seul
   fichier (Python et le paquet `cryptography`) et n'emploie rien du nôtre :

       python3 preuve/verify_books.py .

   Il compare aussi chaque fichier du dossier à `SHA256SUMS`, `SHA256SUMS` à sa signature, et refait depuis les
   enregistrements les sommes par compte et par mois du livre-journal, du grand-livre, du journal centralisateur, des
   FEC et des fichiers de `moteurs/`, et les totaux mensuels des factures et avoirs ; chaque pièce de `pieces/` est
   celle que nomme l'acte de son écriture. Il nomme le premier fichier et le compte qui en diffèrent, et dit le jour de
   la dernière écriture et celui de la signature.
   Donnez-lui par `--key` la clé reçue sur papier et par `--checkpoint` une signature conservée d'un contrôle antérieur.
{{witnesses}}
"""
_SEAL = "| `SHA256SUMS.note` | la signature de cette liste, avec celle du journal de `preuve/` |\n"


def readme(
    connection: Connection,
    year: int,
    operator: Party,
    bundled_files: Sequence[Bundled],
    *,
    is_sealed: bool,
    witnessed: Sequence[Standing],
) -> bytes:
    """Write the page, in Markdown. It bears no moment: the same books give the same page."""
    text = (files("billing.audit.bundle") / _TEMPLATE).read_text(encoding="utf-8")
    newest = int(connection.scalar(select(entry_counter.c.last)) or 0)
    closed = limits(connection).closed_through
    values = {
        "operator": operator.legal_name,
        "year": str(year),
        "program": f"technopark-billing {version('technopark-billing')}",
        "newest_entry": formats.count(newest),
        "closed": "aucun mois n'est clôturé" if closed is None else f"mois clôturés jusqu'au {formats.day(closed)}",
        "files": "\n".join(f"| `{bundled.path}` | {bundled.says} |" for bundled in bundled_files),
        "fec": next(bundled.path for bundled in bundled_files if bundled.path.endswith("1231.txt")),
        "proof": _PROOF if any(bundled.path.startswith("preuve/") for bundled in bundled_files) else "",
        "witnesses": "".join(map(_witness, witnessed)),
        "seal": _SEAL if is_sealed else "",
        "contacts": "\n".join(_contacts(operator)),
    }  # fmt: skip
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text.encode()


def _witness(standing: Standing) -> str:
    """Say in a sentence what a witness has cosigned, or that it has not."""
    if standing.last is None:
        return f"\n   **Le témoin `{standing.name}` n'a rien contresigné.**\n"
    last = standing.last
    more = "enregistrement signé" if standing.behind == 1 else "enregistrements signés"
    since = f", et non {formats.count(standing.behind)} {more} depuis" if standing.behind else ""
    return (
        f"\n   Le témoin `{standing.name}` a contresigné les {formats.count(last.size)} premiers enregistrements le "
        f"{formats.day(last.cosigned_at.date())} (UTC){since} : `preuve/cosigned/{last.checkpoint_id}.txt`. "
        "Donnez sa clé au vérificateur par `--witness`.\n"
    )


def _contacts(operator: Party) -> list[str]:
    """List whom to ask, as far as the operator's file says."""
    address = ", ".join(part for part in (operator.address, operator.city) if part)
    facts = (
        ("Exploitant", operator.legal_name),
        ("ICE", operator.ice),
        ("IF", operator.tax_id),
        ("RC", operator.trade_register),
        ("Adresse", address),
        ("Téléphone", operator.phone),
        ("Courriel", operator.email),
    )
    return [f"- {title} : {value}" for title, value in facts if value]
