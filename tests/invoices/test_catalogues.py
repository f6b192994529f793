"""The catalogues of what tenants read: complete in three languages, no placeholder lost, every plural form given."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from types import ModuleType
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "invoices" / "locales"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "scripts" / "catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CATALOGUES = _script()
TEMPLATE: Catalog = CATALOGUES.template()
REMEDY = "run `make catalogues`, then translate what is new"


def _catalogue(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _forms(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def _placeholders(text: Any) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_the_catalogues_hold_the_texts_of_the_code_and_nothing_else() -> None:
    assert (LOCALES / "messages.pot").read_bytes() == CATALOGUES.written(TEMPLATE), REMEDY
    for language in ("fr", "ar", "en"):
        written = (LOCALES / language / "LC_MESSAGES" / "messages.po").read_bytes()
        assert written == CATALOGUES.written(CATALOGUES.updated(language, TEMPLATE)), REMEDY


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_every_text_is_translated_in_every_form_with_its_placeholders(language: str) -> None:
    catalog = _catalogue(language)
    assert len(_messages(catalog)) == len(_messages(TEMPLATE)) > 60
    for message in _messages(catalog):
        forms = _forms(message.string)
        assert all(forms), f"{message.id!r} is not translated"
        assert not message.fuzzy
        if not message.pluralizable:
            assert _placeholders(forms[0]) == _placeholders(message.id), message.id
            continue
        assert len(forms) == catalog.num_plurals, message.id
        # A form for exactly one or two may have no need of the number.
        for place, form in enumerate(forms):
            spared = {"number"} if language == "ar" and place in (1, 2) else set()
            singular, plural = ({*_placeholders(text)} for text in message.id)
            assert (singular & plural) - spared <= {*_placeholders(form)} <= singular | plural, message.id


def test_french_is_what_the_code_says_and_arabic_has_six_forms() -> None:
    assert all(message.string == message.id for message in _messages(_catalogue("fr")))
    assert _catalogue("ar").num_plurals == 6


def test_no_translation_was_left_in_french() -> None:
    # A name, an abbreviation or a figure may be the same; a French word of five letters is not.
    alike = [
        m.id
        for m in _messages(_catalogue("ar"))
        if re.search("[a-zàâéèêîôû]{5}", re.sub(r"\{.*?\}|\S+\.pdf", "", "".join(_forms(m.string))))
    ]
    assert alike == []


def _literals() -> Iterator[Any]:
    """Find what the code asks of a `Wording`, in whatever expression."""
    for path in [*(ROOT / "billing").rglob("*.py"), *(ROOT / "invoices").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if ast.unparse(node.func) == "t" and texts:
                yield texts[0]
            elif ast.unparse(node.func) == "t.plural":
                yield tuple(texts)
            elif ast.unparse(node.func) == "t.sense":
                yield texts[1]


def test_no_text_is_hidden_from_the_catalogues() -> None:
    # Babel looks neither into f-strings nor behind a call within a call of `t.plural`.
    known = {message.id for message in _messages(TEMPLATE)}
    assert {text for text in _literals() if text not in known} == set()
