"""The operations of the OpenAPI document, and what a problem document is."""

from typing import Any, NamedTuple

from flask import Flask


class Operation(NamedTuple):
    """One method of one address: as documented, and as called."""

    method: str
    documented: str
    path: str
    endpoint: str


def operations(app: Flask) -> list[Operation]:
    """Every method of every address of the app."""
    found = []
    for rule in app.url_map.iter_rules():
        documented, path = rule.rule, rule.rule
        for argument in rule.arguments:
            start = documented.rindex("<", 0, documented.index(f":{argument}>"))
            documented = documented[:start] + f"{{{argument}}}" + documented[documented.index(">", start) + 1 :]
            start = path.rindex("<", 0, path.index(f":{argument}>"))
            path = path[:start] + PARTS[argument] + path[path.index(">", start) + 1 :]
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [Operation(method, documented, path, rule.endpoint) for method in methods]
    return found


def is_problem(answer: Any, status: int, slug: str) -> bool:
    """Whether an answer is that problem, whole."""
    body = answer.get_json(force=True, silent=True) or {}
    return (
        answer.status_code == status
        and answer.content_type == "application/problem+json"
        and body.get("type") == f"/problems/{slug}"
        and body.get("status") == status
        and bool(body.get("title"))
        and bool(body.get("detail"))
    )


PARTS = {
    "code": "T1", "event_id": "E1", "site": "TNG", "service": "MEAL", "tenant_kind": "any", "slug": "not-found",
    "effective_from": "2026-09-01", "period": "2026-06", "number": "FA-2026-000001", "name": "the-finance",
    "year": "2026", "act": "1", "entry": "1", "account": "3421", "message": "ME-000001", "paper": "1",
    "report": "trial-balance",
    "statement": "RE-000001", "line": "1",
    "hold": "SU-000001", "tenant": "T1",
    "received": "RG-000001", "allocated": "1", "approval": "1", "paid": "RB-000001", "movement": "1", "decision": "1",
    "endpoint": "WH-000001", "manual_entry": "EM-000001", "sha256": "0" * 64, "template": "vat-settlement",
    "token": "a" * 24,
    "job_id": "6e9c5b1e-0000-4000-8000-000000000001",
}  # fmt: skip
