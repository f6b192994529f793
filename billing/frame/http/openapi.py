"""The OpenAPI document: what flask-smorest gathers, with the problems, tokens and keys every operation shares."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeAlias, cast, get_args, get_origin

from flask_smorest import Api, Blueprint
from flask_smorest.spec.plugins import FlaskPlugin
from flask_smorest.utils import prepare_response
from marshmallow import RAISE, fields
from msgspec.json import schema_components
from webargs.flaskparser import FlaskParser

from billing.frame.audit_log import REASON_LENGTH_MAX
from billing.frame.http import idempotency, reasons
from billing.frame.http.authentication import scopes_of
from billing.frame.http.parameters import takes_parameters
from billing.frame.http.problems import CONTENT_TYPE, FieldError, InvalidRequest, Problem, field_error
from billing.frame.http.versions import HEADER as VERSION_HEADER
from billing.frame.http.versions import VERSIONS
from billing.frame.http.words import MEANINGS
from billing.frame.shapes import Shape
from billing.frame.tokens import AUDITOR

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

TITLE = "technopark-billing"
SECURITY = "token"
_REFERENCE = "#/components/schemas/{name}"
TEXT = {"type": "string"}
BINARY = {**TEXT, "format": "binary"}
_BODY_METHODS = frozenset({"post", "put", "patch"})


def body_of(media_type: str) -> dict[str, str]:
    """Return the schema of a file's body: a text, or octets."""
    return TEXT if media_type.startswith("text/") or media_type.endswith("xml") else BINARY


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


_REQUEST_ID = _header("The request's id, as in the logs: the caller's own `X-Request-ID`, or one made here")
_REPLAYED = _header("`true` where the answer is the one stored under the `Idempotency-Key`", enum=["true"])
_VERSION = _header("The version of the API that answers", enum=list(VERSIONS))
_AS_OF = {
    "name": VERSION_HEADER,
    "in": "header",
    "required": False,
    "description": "The version that the client was written for: 400 where there is none such; see /docs/changes",
    "schema": {"type": "string", "enum": list(VERSIONS)},
}
_PROBLEM_HEADERS: Mapping[int, Mapping[str, Any]] = {
    429: {"Retry-After": _header("Seconds after which to try again")},
    401: {"WWW-Authenticate": _header("The scheme of the token", enum=["Bearer"])},
    503: {
        "Retry-After": _header("Seconds after which to try again, where the database does not answer or too many wait")
    },
}
# The header of what was made just now.
LOCATION = {"Location": _header("The address of what was made", format="uri-reference")}
# The header of what can be changed.
TAGGED = {"ETag": _header("The tag of this state: what `If-Match` takes")}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the state that is changed: 412 where it is another one by now",
    "schema": {"type": "string"},
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async`: answer 202 with a job; `wait=2`: answer at once what takes no longer (RFC 7240)",
    "schema": {"type": "string"},
    "example": "wait=2",
}
_APPLIED = _header("The preference that was heeded")
_LATER = {
    "description": "It takes long: the job that does it",
    "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="Job")}}},
    "headers": {
        "Location": _header("The address of the job", format="uri-reference"),
        "Retry-After": _header("Seconds after which to look at it"),
        "Preference-Applied": _APPLIED,
    },
}
_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and body gives the stored answer again, another body 422",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
_REASON = {
    "name": reasons.HEADER,
    "in": "header",
    "required": False,
    "description": f"Why it is done, in UTF-8, at most {REASON_LENGTH_MAX} characters: kept with what is written. "
    "Where the body takes a `reason`, either will do",
    "schema": {"type": "string"},
}
_DESCRIPTION = """\
Billing and cross-subsidy accounting for a network of technology parks.

Amounts, prices and quantities are decimal strings (`"2362.50"`), days `YYYY-MM-DD`, months `YYYY-MM`. Errors are
`application/problem+json` (RFC 9457) with a stable `type`; `errors` lists each field at fault. Every POST takes
`Idempotency-Key`: the same key and body gives the stored answer again. Lists give `items` and `next`, the
`cursor` of the following page.
"""


class StrictParser(FlaskParser):
    """Reads arguments without forgiving: another content type, malformed JSON and unknown fields are refused."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012 (webargs' own declaration)

    def load_json(self, req: Any, schema: Any) -> Any:
        """Return the body; Flask answers 415 for another content type, 400 for malformed JSON.

        One that would say but why may be left out.
        """
        if schema.fields.keys() == {reasons.FIELD} and not req.content_type and not req.get_data():
            return {}
        return req.get_json()

    def handle_error(self, error: Any, *_args: Any, **_kwargs: Any) -> Any:
        """Return every field at fault, as one InvalidRequest."""
        raise InvalidRequest(
            [fault for location, messages in error.messages.items() for fault in _flat(location, (), messages)]
        )


def _flat(location: str, path: tuple[str, ...], messages: Any) -> list[FieldError]:
    if isinstance(messages, Mapping):
        return [
            fault
            for name, inner in messages.items()
            for fault in _flat(location, path if name == "_schema" else (*path, str(name)), inner)
        ]
    texts = messages if isinstance(messages, list) else [messages]
    where = "body" if location == "json" else location
    return [field_error(where, path, str(text)) for text in texts]


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose operations document their token, problems and idempotency key."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(
        self, *args: Any, tags: Mapping[str, str] | None = None, fine_scope: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # The fine scope of tokens that opens its addresses, besides those of their methods.
        self.fine_scope = fine_scope
        self.shapes: list[Any] = []
        # The tags of its operations, and what each is about.
        self.tags: Mapping[str, str] = tags or {self.name: self.description}
        self._prepare_doc_cbks.append(_shared_doc)

    def route(self, rule: str, **options: Any) -> Decorator:
        """Give a view its address."""
        return cast(Decorator, super().route(rule, **options))

    def response(self, status_code: int, schema: Any = None, **doc: Any) -> Decorator:
        """Document what a view answers when all is well: a shape, a page of them, or another schema."""
        return cast(Decorator, super().response(status_code, self.reference(schema), **doc))

    def alt_response(self, status_code: int, response: Any = None, *, schema: Any = None, **doc: Any) -> Decorator:
        """Document what else it may answer."""
        return cast(Decorator, super().alt_response(status_code, response, schema=self.reference(schema), **doc))

    def makes(self, shape: Any, **doc: Any) -> Decorator:
        """Document a view that makes something: 201, or 200 where what was asked for stood already."""

        def decorated(view: Any) -> Any:
            stood = self.alt_response(200, schema=shape, description="It stood already", success=True, **doc)(view)
            return self.response(201, shape, **doc)(stood)

        return decorated

    def reference(self, schema: Any) -> Any:
        """Add a shape to the document's components and refer to it; any other schema stays as it is."""
        schema_class = get_origin(schema) or schema
        if not isinstance(schema_class, type) or not issubclass(schema_class, Shape):
            return schema
        self.shapes.append(schema)
        return {"$ref": _REFERENCE.format(name=_component_name(schema))}

    def arguments(self, schema: Any, **doc: Any) -> Decorator:
        """Hand a view what the request holds, loaded and judged."""
        decorate = cast(Decorator, super().arguments(schema, **doc))

        def decorated(view: Any) -> Any:
            made: Any = decorate(view)
            if doc.get("location") == "query":
                return takes_parameters(made, schema._declared_fields)
            # (The `reason` of a VAT rate is none of these.)
            made.takes_reason = isinstance(schema._declared_fields.get(reasons.FIELD), reasons.Reason)
            return made

        return decorated

    def doc(self, **doc: Any) -> Decorator:
        """Document what nothing else says."""
        return cast(Decorator, super().doc(**doc))

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Register a view; its name is its operation's, and a part in its address may be unknown."""
        name = endpoint or view_func.__name__
        view_func.fine_scope = self.fine_scope
        view_func._apidoc = {
            **getattr(view_func, "_apidoc", {}), "operation": name, "rule": rule, "fine_scope": self.fine_scope
        }  # fmt: skip
        super().add_url_rule(rule, name, view_func, *args, **options)


def _component_name(shape: Any) -> str:
    """Return the name of a shape in the document: `DebtAct`, and `DebtActPage` for `Page[DebtAct]`."""
    return "".join(part.__name__ for part in (*get_args(shape), get_origin(shape) or shape))


@cache
def shape_components(shapes: tuple[Any, ...]) -> dict[str, Any]:
    """Return the schemas of shapes, and of the shapes and enums within them, by their names in the document."""
    references, schemas = schema_components(shapes, ref_template=_REFERENCE)
    names = {
        reference["$ref"].rpartition("/")[2]: _component_name(shape)
        for shape, reference in zip(shapes, references, strict=True)
    }
    return {names.get(key, key): _for_generators(schema) for key, schema in schemas.items()}


def _for_generators(schema: Any) -> Any:
    """Return a schema as client generators need it: no titles, typed enums, one schema for a value or null."""
    if isinstance(schema, list):
        return [_for_generators(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    # A field may be called `title`; a title is no schema.
    made = {key: _for_generators(inner) for key, inner in schema.items() if key != "title" or isinstance(inner, dict)}
    choices = made.get("anyOf")
    if isinstance(choices, list) and "type" in choices[0] and choices[1:] == [{"type": "null"}]:
        del made["anyOf"]
        made = {**choices[0], **made, "type": [choices[0]["type"], "null"]}
        if "enum" in made:
            made["enum"].append(None)
    if isinstance(made.get("enum"), list):
        made.setdefault("type", "string")
    return made


def _shared_doc(doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_kwargs: Any) -> dict[str, Any]:
    scopes = doc_info.get("scopes")
    if scopes is None:
        scopes = scopes_of(None, method.upper(), doc_info["fine_scope"])
    first, *words = doc_info["operation"].split("_")
    doc["operationId"] = first + "".join(word.title() for word in words)
    doc["security"] = [{SECURITY: []}] if scopes else []
    needed = f"Needs a token of scope {' or '.join(sorted(scopes))}." if scopes else "Needs no token."
    docstring = doc_info["docstring"]
    docstring["description"] = "\n\n".join(filter(None, (docstring.get("description"), needed)))
    parameters = list(doc.get("parameters", ()))
    if method == "post":
        parameters.append(_KEY)
    if method == "patch":
        parameters.append(_IF_MATCH)
    if scopes and method in _BODY_METHODS and AUDITOR not in scopes:
        parameters.append(_REASON)
    responses = doc.setdefault("responses", {})
    if doc_info.get("may_be_job"):
        parameters.append(_PREFER)
        _document_job(responses)
    if scopes:
        parameters.append(_AS_OF)
    if parameters:
        doc["parameters"] = parameters
    for status in sorted(_problem_statuses(doc, doc_info["rule"], method, scopes)):
        responses.setdefault(status, HTTPStatus(status).name)
    for status, response in responses.items():
        if isinstance(response, dict):
            response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID
            response["headers"][VERSION_HEADER] = _VERSION
            if method == "post" and 200 <= int(status) < 300:
                response["headers"][idempotency.REPLAYED] = _REPLAYED
    return doc


def _document_job(responses: dict[int, Any]) -> None:
    """Say that it may be a job, and that an answer may say which preference it heeded."""
    for response in responses.values():
        if isinstance(response, dict):
            response.setdefault("headers", {})["Preference-Applied"] = _APPLIED
    responses[202] = deepcopy(_LATER)


def _problem_statuses(doc: Mapping[str, Any], rule: str, method: str, scopes: frozenset[str]) -> set[int]:
    """Return the statuses of the problems that an operation may answer."""
    statuses = {406, 413, 429, 503}
    if scopes:
        # A token may be of another scope, or bound to sites, and a parameter unknown, at any address.
        statuses |= {400, 401, 403, 422}
    if method in _BODY_METHODS:
        statuses |= {408, 409, 411, 422}
    if method == "patch":
        statuses.add(412)
    if "requestBody" in doc:
        statuses |= {400, 415}
    if "<" in rule:
        statuses.add(404)
    return statuses


def _meaning(_converter: Any, field: fields.Field[Any], *, ret: Mapping[str, Any], **_kwargs: Any) -> dict[str, str]:
    """Describe a request's field by its name, where the field says nothing of itself."""
    name = field.name
    return {} if name is None or "description" in ret or name not in MEANINGS else {"description": MEANINGS[name]}


class AddressPlugin(FlaskPlugin):  # type: ignore[misc]
    """Describes each part of an address by its name, or by the collection it is in."""

    def rule_to_params(self, rule: Any) -> list[dict[str, Any]]:
        """Give the parts of an address as parameters."""
        return [
            {**parameter, "description": _part_meaning(rule.rule, parameter["name"])}
            for parameter in super().rule_to_params(rule)
        ]


def _part_meaning(rule: str, name: str) -> str:
    if name != "code":
        return MEANINGS[name]
    collection = rule.split("<")[0].strip("/").rpartition("/")[2]
    return f"The {collection.removesuffix('s')}'s code"


class BillingApi(Api):  # type: ignore[misc]
    """flask-smorest with problem documents in place of its own errors; `billing.api.operations` serves the document."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._undocumented: list[ApiBlueprint] = []
        self._documenting = Lock()
        super().__init__(*args, **kwargs)

    def register_blueprint(self, blp: ApiBlueprint, **options: Any) -> None:
        """Add a blueprint's addresses; the document gets them when it is first asked for, so that a start is quick."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undocumented.append(blp)

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document: operations, tags and shapes of every blueprint."""
        with self._documenting:
            blueprints, self._undocumented = self._undocumented, []
            for blueprint in blueprints:
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                for name, about in blueprint.tags.items():
                    self.spec.tag({"name": name, "description": about})
            if blueprints:
                shapes = dict.fromkeys(shape for blueprint in blueprints for shape in blueprint.shapes)
                for name, schema in shape_components((Problem, *shapes)).items():
                    self.spec.components.schema(name, schema)
            return cast(dict[str, Any], self.spec.to_dict())

    def _register_error_handlers(self) -> None:
        """`billing.frame.http.problems` answers every error."""

    def _register_doc_blueprint(self) -> None:
        """`billing.api.operations` serves the document."""

    def _register_pagination_header(self) -> None:
        """Document no paging header: lists are paged by `next`."""

    def _register_responses(self) -> None:
        self.ma_plugin.converter.add_attribute_function(_meaning)
        for status in HTTPStatus:
            response = {
                "description": status.phrase,
                "schema": {"$ref": _REFERENCE.format(name=Problem.__name__)},
                "headers": {"X-Request-ID": _REQUEST_ID, VERSION_HEADER: _VERSION, **_PROBLEM_HEADERS.get(status, {})},
            }
            prepare_response(response, self.spec, CONTENT_TYPE)
            self.spec.components.response(status.name, response, lazy=True)


def spec_options(contact: str) -> dict[str, Any]:
    """Give the head of the document; `contact` is the name of the operator."""
    return {
        "flask_plugin": AddressPlugin(),
        "info": {
            "description": _DESCRIPTION,
            "contact": {"name": contact},
            "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
        },
        # Every address is the server's own.
        "servers": [{"url": "/", "description": "The service that gives this document"}],
        "components": {
            "securitySchemes": {
                SECURITY: {"type": "http", "scheme": "bearer", "description": "`technopark-billing token create`"}
            }
        },
    }
