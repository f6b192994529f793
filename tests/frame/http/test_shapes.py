"""Shapes: one value documents an answer and is its JSON; and what the document says of each."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from flask import Flask

from billing.frame.http.openapi import shape_components
from billing.frame.http.paging import Page
from billing.frame.shapes import Count, Day, Money, Shape, about, encode, indented, instant
from tests.support.api import Caller
from tests.support.documented import require_documented


class Colour(StrEnum):
    """The colours there are."""

    RED = "red"
    BLUE = "blue"


class Part(Shape, frozen=True):
    """A part."""

    price: Money


class Thing(Shape, frozen=True):
    """A thing."""

    made_on: Annotated[Day, about("When it was made")]
    price: Annotated[Money | None, about("null: it is not for sale")]
    colour: Colour
    size: Annotated[Literal["S", "L"] | None, about("Its size")]
    parts: Annotated[list[Part], about("What it is made of")]
    count: Count


THING = Thing(date(2026, 9, 1), None, Colour.RED, "S", [Part("1.00"), Part("2.50")], 2)
MONEY = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "examples": ["2362.50"]}


def test_a_shape_is_its_json_in_the_order_of_its_fields() -> None:
    expected = (
        b'{"made_on":"2026-09-01","price":null,"colour":"red","size":"S","parts":[{"price":"1.00"},{"price":"2.50"}],'
        b'"count":2}'
    )
    assert encode(THING) == expected
    assert encode(Page([THING], None)) == b'{"items":[' + expected + b'],"next":null}'
    assert indented(Part("1.00")) == b'{\n  "price": "1.00"\n}\n'


def test_a_shape_is_its_schema() -> None:
    assert shape_components((Page[Thing], Part)) == {
        "ThingPage": {
            "description": "One page of a list.",
            "type": "object",
            "properties": {
                "items": {
                    "description": "What is listed, in the list's order",
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/Thing"},
                },
                "next": {"description": "`cursor` of the next page; null on the last", "type": ["string", "null"]},
                "total": {
                    "description": "How many there are on all pages together; there if `total=true`",
                    "type": "integer",
                },
            },
            "required": ["items", "next"],
        },
        "Thing": {
            "description": "A thing.",
            "type": "object",
            "properties": {
                "made_on": {
                    "description": "When it was made", "type": "string", "format": "date", "examples": ["2026-09-30"],
                },
                "price": {**MONEY, "description": "null: it is not for sale", "type": ["string", "null"]},
                "colour": {"$ref": "#/components/schemas/Colour"},
                "size": {"description": "Its size", "type": ["string", "null"], "enum": ["L", "S", None]},
                "parts": {
                    "description": "What it is made of",
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/Part"},
                },
                "count": {"description": "How many", "type": "integer", "minimum": 0},
            },
            "required": ["made_on", "price", "colour", "size", "parts", "count"],
        },
        "Part": {
            "description": "A part.",
            "type": "object",
            "properties": {"price": {**MONEY, "description": "Dirhams, to the centime"}},
            "required": ["price"],
        },
        "Colour": {"description": "The colours there are.", "type": "string", "enum": ["blue", "red"]},
    }  # fmt: skip


def test_instants_are_written_in_utc_to_the_second() -> None:
    assert instant(datetime(2026, 9, 1, 5, 0, 0, 999_999, tzinfo=UTC)) == "2026-09-01T05:00:00Z"
    assert instant(datetime(2026, 9, 1, 6, 0, tzinfo=timezone(timedelta(hours=1)))) == "2026-09-01T05:00:00Z"
    assert instant(None) is None


def shapes_of(app: Flask) -> Iterator[Any]:
    """The components that shapes made."""
    shapes = [shape for blueprint in app.blueprints.values() for shape in getattr(blueprint, "shapes", ())]
    yield from shape_components(tuple(shapes)).items()


def test_the_document_describes_each_field_of_each_shape(ground: Caller) -> None:
    components = dict(shapes_of(ground.app))
    undescribed = [
        f"{name}.{field}"
        for name, component in components.items()
        for field, schema in component.get("properties", {}).items()
        if not (schema.get("description") or components[schema["$ref"].rpartition("/")[2]].get("description"))
    ]
    assert len(components) > 10
    assert undescribed == []
    assert [name for name, component in components.items() if not component.get("description")] == []
    assert [name for name, component in components.items() if "additionalProperties" in component] == []


def test_the_patterns_of_the_document_are_ecma_262s(ground: Caller) -> None:
    def patterns(schema: Any) -> Iterator[str]:
        for key, inner in schema.items() if isinstance(schema, dict) else enumerate(schema):
            if key == "pattern" and isinstance(inner, str):
                yield inner
            elif isinstance(inner, dict | list):
                yield from patterns(inner)

    told = list(patterns(ground.get("/openapi.json", None)))
    assert len(told) > 100
    # What Python's dialect has and ECMA-262 has not, or reads otherwise.
    assert [
        text for text in told if any(part in text for part in (r"\Z", r"\A", "(?P", "(?#", "(?i", r"\d", r"\w"))
    ] == []


def test_an_answer_the_document_does_not_say_fails_the_test_that_got_it(ground: Caller) -> None:
    answer: dict[str, Any] = {"items": [], "next": None}
    require_documented(ground.app, "GET", "/v1/debts", 200, answer)
    wrongs: list[dict[str, Any]] = [{"items": []}, answer | {"more": 1}, answer | {"next": 1}, answer | {"items": [{}]}]
    for wrong in wrongs:
        with pytest.raises(AssertionError, match="answers what its document does not say"):
            require_documented(ground.app, "GET", "/v1/debts", 200, wrong)
    with pytest.raises(AssertionError, match="answers 202, documented are"):
        require_documented(ground.app, "GET", "/v1/debts/<number:number>", 202, answer)
