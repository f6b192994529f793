"""A text is found whatever its accents and its case, on both databases alike."""

import pytest
from sqlalchemy import Engine, String, literal, select

from billing.frame.database import reading
from billing.frame.searching import Folded, fold, found_in


def test_both_databases_fold_every_letter_as_we_do(engine: Engine) -> None:
    # Each letter beside one that is ASCII; U+0000 is no text, and lone halves are none.
    texts = [f"{chr(code)}x" for code in (*range(1, 0x3000), *range(0xFB00, 0xFF00), 0x1F600)]
    with reading(engine) as connection:
        for start in range(0, len(texts), 500):
            some = texts[start : start + 500]
            folded = connection.execute(select(*(Folded(literal(text, String)) for text in some))).one()
            assert list(folded) == [fold(text) for text in some]


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("Société L’Étoile du Nord", "l'etoile"), ("SOCIETE ETOILE", "étoilé"), ("Cœur & Œuvre", "OEUVRE"),
        ("Cafe\u0301 Müller", "CAFÉ MULLER"), ("شركة الأطلس", "الاطلس"), ("مُحَمَّد", "محمد"), ("100%_a\\b", "%_a\\B"),
        ("Éditions\u00a0Ay", " editions ay "),
    ],
)  # fmt: skip
def test_accents_and_case_do_not_matter(engine: Engine, text: str, searched: str) -> None:
    with reading(engine) as connection:
        assert connection.scalar(select(found_in(searched, literal(text, String))))
        assert not connection.scalar(select(found_in(f"{searched}z", literal(text, String))))
