"""The parameters of an address, behind its `?`: each is known, and given once."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, current_app, request

from billing.frame.http.authentication import scopes_of
from billing.frame.http.problems import InvalidRequest, field_error


def takes_parameters(view: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """Say which parameters a view takes; one that says nothing takes none."""
    view.parameters = tuple(names)  # type: ignore[attr-defined]
    return view


def _require_known() -> None:
    """Raise InvalidRequest for a parameter that the address does not take, or that is given twice."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    if not asked.query_string or asked.endpoint is None:
        return
    view: Any = current_app.view_functions[asked.endpoint]
    if not scopes_of(view, asked.method):
        # Whoever looks whether the service is alive may add what he likes.
        return
    known = getattr(view, "parameters", ())
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    wrong = []
    for name, values in asked.args.lists():
        if name not in known:
            wrong.append(field_error("query", name, "is no parameter of this address", takes))
        elif len(values) > 1:
            wrong.append(field_error("query", name, f"is given {len(values)} times", "give it once"))
    if wrong:
        raise InvalidRequest(wrong)


def register(app: Flask) -> None:
    """Judge the parameters of every request of the app, once it is let in."""
    app.before_request(_require_known)
