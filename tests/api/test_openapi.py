"""What linters and client generators want of the OpenAPI document, in Python, so that it stays."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine

from billing.api.app import create_app
from billing.frame.settings import load_settings

METHODS = ("get", "post", "put", "patch", "delete")
BINARY = {"type": "string", "format": "binary"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document; it asks nothing of a database."""
    app = create_app(
        load_settings({"DATABASE_URL": "sqlite:///unused.sqlite"}),
        create_engine("sqlite://"),
        lambda: datetime.now(UTC),
    )
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """The name, the operation and the parameters of each operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                yield f"{method} {path}", operation, item.get("parameters", []) + operation.get("parameters", [])


def answers(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The operation's name, the status and the answer of each answer."""
    for name, operation, _ in operations(document):
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            yield name, status, answer


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def referred(document: dict[str, Any], value: Any) -> set[str]:
    """The components that a part of the document refers to, and those they refer to."""
    names: set[str] = set()
    waiting = [value]
    while waiting:
        for part in parts(waiting.pop()):
            reference = part.get("$ref")
            if isinstance(reference, str) and reference not in names:
                names.add(reference)
                _, _, kind, name = reference.split("/")
                waiting.append(document["components"][kind][name])
    return names


def test_the_head_says_what_it_is_of_whom_and_where(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"].keys() == {"title", "version", "description", "contact", "license"}
    assert document["servers"] == [{"url": "/", "description": "The service that gives this document"}]


def test_every_tag_is_declared_once_described_and_used(document: dict[str, Any]) -> None:
    used = {tag for _, operation, _ in operations(document) for tag in operation["tags"]}
    assert Counter(tag["name"] for tag in document["tags"]) == Counter(used)
    assert [tag["name"] for tag in document["tags"] if not tag.get("description")] == []


def test_every_operation_is_named_once_summed_up_and_described(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, operation, _ in operations(document))
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) > 150
    for name, operation, _ in operations(document):
        assert operation.get("summary"), name
        assert operation.get("description"), name
        assert operation["summary"][0].isupper(), name


def test_every_operation_says_whether_it_needs_a_token(document: dict[str, Any]) -> None:
    opened = {name for name, operation, _ in operations(document) if operation["security"] == []}
    assert opened == {
        "get /healthz", "get /readyz", "get /openapi.json", "get /docs", "get /docs/changes", "get /problems/{slug}",
        "get /verify/{token}", "get /verify/{token}/proof", "get /verify_books.py",
    }  # fmt: skip
    for name, operation, _ in operations(document):
        assert operation["security"] in ([], [{"token": []}]), name
        assert ("401" in operation["responses"]) == (operation["security"] != []), name


def test_every_part_of_an_address_is_declared_and_every_parameter_described(document: dict[str, Any]) -> None:
    for name, _, parameters in operations(document):
        keys = [(parameter["in"], parameter["name"]) for parameter in parameters]
        assert len(keys) == len(set(keys)), name
        declared = {key for place, key in keys if place == "path"}
        assert declared == {part[1:-1] for part in name.split(" ")[1].split("/") if part.startswith("{")}, name
        for parameter in parameters:
            assert parameter.get("description"), (name, parameter["name"])
            assert parameter["in"] != "path" or parameter["required"], (name, parameter["name"])


def test_every_field_is_described_or_is_something_that_is(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    described = {f"#/components/schemas/{name}" for name, schema in schemas.items() if schema.get("description")}
    fields = [
        (name, field, said) for name, schema in schemas.items() for field, said in schema.get("properties", {}).items()
    ]
    assert len(fields) > 1000
    assert [
        f"{name}.{field}"
        for name, field, said in fields
        if not said.get("description") and said.get("$ref") not in described
    ] == []


def test_answers_allow_further_fields_and_requests_do_not(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    answered = referred(document, [answer for _, _, answer in answers(document)])
    asked = referred(document, [operation.get("requestBody") for _, operation, _ in operations(document)])
    closed = {
        f"#/components/schemas/{name}"
        for name, schema in schemas.items()
        if schema.get("additionalProperties") is False
    }
    assert answered & closed == set()
    assert {reference for reference in asked - closed if "properties" in schemas[reference.rpartition("/")[2]]} == set()


def test_every_component_is_used_and_every_reference_meets_one(document: dict[str, Any]) -> None:
    components = document["components"]
    declared = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert referred(document, document["paths"]) == declared


def test_days_months_and_instants_have_a_form(document: dict[str, Any]) -> None:
    """A field called `..._on` is a day, one called `..._at` an instant, in requests and answers."""
    formless = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, said in schema.get("properties", {}).items()
        if field.endswith(("_on", "_at")) and said.get("format") != ("date" if field.endswith("_on") else "date-time")
    ]
    assert formless == []


def test_files_that_are_no_text_are_binary(document: dict[str, Any]) -> None:
    for name, status, answer in answers(document):
        for media_type, content in answer.get("content", {}).items():
            is_text = "json" in media_type or "xml" in media_type.split(".")[-1] or media_type.startswith("text/")
            if not is_text:
                assert content["schema"] == BINARY, (name, status, media_type)


def test_answers_declare_their_headers(document: dict[str, Any]) -> None:
    for name, status, answer in answers(document):
        assert answer["description"], (name, status)
        assert "X-Request-ID" in answer["headers"], (name, status)
        for header in answer["headers"].values():
            assert header["description"], (name, status)
        assert status != "503" or "Retry-After" in answer["headers"], name
        assert status != "401" or "WWW-Authenticate" in answer["headers"], name
    located = {
        name for name, status, answer in answers(document) if status == "201" and "Location" in answer["headers"]
    }
    assert {"post /v1/tenants", "post /v1/receipts", "post /v1/billing-runs", "post /v1/credit-notes"} <= located


def test_what_judges_its_input_may_answer_422(document: dict[str, Any]) -> None:
    for name, operation, parameters in operations(document):
        if "requestBody" in operation or any(parameter["in"] == "query" for parameter in parameters):
            assert "422" in operation["responses"], name
