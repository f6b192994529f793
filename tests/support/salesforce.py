"""A stand-in for Salesforce: a real server that answers token, query and composite/sobjects as they are documented.

It holds objects as rows by field, hands out pages, lets tokens expire, and fails as it is told to.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

Record = dict[str, Any]
CONSUMER, USER = "3MVG9-consumer", "billing@park.example"
LIMIT = (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
DOWN = (503, "<html>Service Unavailable</html>")
BATCH_MAX = 200
_SOQL = re.compile(r"SELECT (?P<fields>.+?) FROM (?P<object>\w+) WHERE (?P<conditions>.+) ORDER BY (?P<order>.+)")


@dataclass
class StandIn:
    """What it holds, how it answers, and what it was asked."""

    objects: dict[str, list[Record]] = field(default_factory=dict)
    page: int = 2
    # Given to the next requests, one each, before anything else is looked at.
    failures: list[tuple[int, Any]] = field(default_factory=list)
    # What becomes of an update of these records, each time it is tried, by Id.
    refusals: dict[str, list[str]] = field(default_factory=dict)
    expires_after: int = 1_000
    asked: list[str] = field(default_factory=list)
    batches: list[list[Record]] = field(default_factory=list)
    port: int = 0
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    _tokens: dict[str, int] = field(default_factory=dict)
    _serial: Iterator[int] = field(default_factory=lambda: count(1))
    _cursors: dict[str, list[Record]] = field(default_factory=dict)

    @property
    def private_key(self) -> bytes:
        """The key in PEM that the connected app's certificate is of."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def session(self) -> Session:
        """A session of `requests` that finds the stand-in wherever Salesforce would be."""
        session = Session()
        session.mount("https://", _Redirected(self.port))
        return session

    def token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Answer the JWT bearer flow."""
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return 400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"}
        try:
            claims = jwt.decode(
                form["assertion"][0],
                self.key.public_key(),
                algorithms=["RS256"],
                audience="https://login.salesforce.com",
            )
        except jwt.PyJWTError:
            return 400, {"error": "invalid_grant", "error_description": "invalid assertion"}
        if (claims["iss"], claims["sub"]) != (CONSUMER, USER):
            return 400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}
        token = f"00D-secret-token-{next(self._serial)}"
        self._tokens[token] = self.expires_after
        return 200, {"access_token": token, "instance_url": "https://park.my.salesforce.com", "token_type": "Bearer"}

    def admits(self, authorization: str) -> bool:
        """Whether a token is still good, for one request more."""
        token = authorization.removeprefix("Bearer ")
        self._tokens[token] = self._tokens.get(token, 0) - 1
        return self._tokens[token] >= 0

    def query(self, soql: str) -> tuple[int, Any]:
        """Answer a query: its first page."""
        self.asked.append(soql)
        parsed = _SOQL.fullmatch(soql)
        if parsed is None:
            return 400, [{"errorCode": "MALFORMED_QUERY", "message": f"unexpected token: {soql}"}]
        fields, name = parsed["fields"].split(", "), parsed["object"]
        rows = self.objects.get(name, [])
        known = {"Id", "SystemModstamp", *(each for row in rows for each in row)}
        for each in fields:
            if rows and each.split(".")[0] not in known:
                return 400, [{"errorCode": "INVALID_FIELD", "message": f"No such column '{each}' on entity '{name}'."}]
        rows = [row for row in rows if all(_holds(row, each) for each in parsed["conditions"].split(" AND "))]
        rows.sort(key=lambda row: tuple(str(row.get(each)) for each in parsed["order"].split(", ")))
        return 200, self._paged([_shown(name, row, fields) for row in rows], len(rows))

    def more(self, cursor: str) -> tuple[int, Any]:
        """Answer with a query's next page."""
        rows = self._cursors.pop(cursor, None)
        if rows is None:
            return 400, [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
        return 200, self._paged(rows, len(rows))

    def _paged(self, rows: list[Record], total: int) -> Record:
        answer: Record = {"totalSize": total, "done": len(rows) <= self.page, "records": rows[: self.page]}
        if not answer["done"]:
            cursor = f"0r8-{next(self._serial)}"
            self._cursors[cursor] = rows[self.page :]
            answer["nextRecordsUrl"] = f"/services/data/v59.0/query/{cursor}"
        return answer

    def update(self, body: Record) -> tuple[int, Any]:
        """Answer composite/sobjects: each record by itself."""
        records = body["records"]
        if len(records) > BATCH_MAX or body["allOrNone"] is not False:
            return 400, [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "record limit reached"}]
        self.batches.append(records)
        return 200, [self._updated(record) for record in records]

    def _updated(self, record: Record) -> Record:
        refusals = self.refusals.get(record["Id"], [])
        if refusals:
            code = refusals.pop(0)
            return {"success": False, "errors": [{"statusCode": code, "message": f"said {code}", "fields": []}]}
        rows = self.objects[record["attributes"]["type"]]
        row = next(row for row in rows if row["Id"] == record["Id"])
        row.update({name: value for name, value in record.items() if name not in ("Id", "attributes")})
        return {"id": record["Id"], "success": True, "errors": []}


def _holds(row: Record, condition: str) -> bool:
    name, comparison, value = condition.strip("()").split(" ")
    held = row.get(name)
    if value == "null":
        return (held is not None) == (comparison == "!=")
    return str(held) > value if comparison == ">" else str(held) <= value


def _shown(name: str, row: Record, fields: list[str]) -> Record:
    shown: Record = {"attributes": {"type": name, "url": f"/services/data/v59.0/sobjects/{name}/{row['Id']}"}}
    for each in fields:
        first, _, rest = each.partition(".")
        shown[first] = row.get(first) if not rest else row.get(first) and {rest: row[first].get(rest)}
    return shown


class _Redirected(HTTPAdapter):
    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        parts = urlsplit(str(request.url))
        assert parts.scheme == "https"
        assert str(parts.hostname).endswith(".salesforce.com")
        request.url = f"http://localhost:{self._port}{parts.path}{'?' if parts.query else ''}{parts.query}"
        return super().send(request, *arguments, **options)


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Run a stand-in for as long as the block."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = self._outcome(body)
            written = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def _outcome(self, body: bytes) -> tuple[int, Any]:
            if stand_in.failures:
                return stand_in.failures.pop(0)
            parts = urlsplit(self.path)
            if parts.path == "/services/oauth2/token":
                return stand_in.token(parse_qs(body.decode()))
            if not stand_in.admits(self.headers["Authorization"]):
                return 401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
            path = re.sub(r"^/services/data/v[0-9.]+/", "", parts.path)
            if path == "query/":
                return stand_in.query(parse_qs(parts.query)["q"][0])
            if path.startswith("query/"):
                return stand_in.more(path.removeprefix("query/"))
            if (self.command, path) == ("PATCH", "composite/sobjects"):
                return stand_in.update(json.loads(body))
            return 404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    stand_in.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
