"""Whether answers are what the OpenAPI document says: each answer a test gets is compared with its schema.

Answers may get further fields later, and the document allows them; here none may be answered that it does not name.
"""

import re
from typing import Any

from flask import Flask
from jsonschema_rs import Draft202012Validator

_PART = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def require_documented(app: Flask, method: str, rule: str, status: int, body: Any) -> None:
    """Raise AssertionError unless the document has this answer of this operation."""
    validator = _DOCUMENT.validator(app, method, _PART.sub(r"{\1}", rule), status)
    faults = [f"{fault.instance_path}: {fault.message}" for fault in validator.iter_errors(body)]
    assert not faults, f"{method} {rule} {status} answers what its document does not say: {faults[:5]}"


class _Document:
    """The document, the same of every app, and the validators of the answers compared so far."""

    def __init__(self) -> None:
        self.document: Any = None
        self.validators: dict[tuple[str, str, int], Draft202012Validator] = {}

    def validator(self, app: Flask, method: str, path: str, status: int) -> Draft202012Validator:
        """What judges the answers of an operation with that status."""
        key = method, path, status
        if self.document is None:
            self.document = _closed(app.test_client().get("/openapi.json").json)
        if key not in self.validators:
            responses = self.document["paths"][path][method.lower()]["responses"]
            assert str(status) in responses, f"{method} {path} answers {status}, documented are {sorted(responses)}"
            schema = responses[str(status)]["content"]["application/json"]["schema"]
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = Draft202012Validator(whole, validate_formats=True)
        return self.validators[key]


_DOCUMENT = _Document()


def _closed(schema: Any) -> Any:
    """A document whose objects have no fields but those named."""
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(inner) for key, inner in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        made.setdefault("additionalProperties", False)
    return made
