"""Asks and tells Salesforce: what may pass is tried again, what does not is said in a sentence without secrets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from billing.frame.errors import BillingError
from billing.frame.salesforce import Access

# Seconds between attempts.
PAUSES_S = (2, 8, 30)
# Records that one call of composite/sobjects takes.
BATCH = 200
_WAIT_S = 60
_PASSING = frozenset({429, 500, 502, 503, 504})
_LIMIT = "REQUEST_LIMIT_EXCEEDED"
# Amounts are written as the numbers they are, digit by digit.
_JSON = msgspec.json.Encoder(decimal_format="number")

Answer = TypeVar("Answer")
Wait = Callable[[int], object]


class SalesforceFault(BillingError):
    """Salesforce can't be asked or told."""


class Client:
    """A connection that logs in when it is made, and again when its token has expired."""

    def __init__(self, access: Access, wait: Wait, session: Any = None) -> None:
        """Log in; `wait` is handed seconds; `session` is one of `requests`. Raises SalesforceFault."""
        try:
            from simple_salesforce.api import Salesforce
        except ImportError:
            raise SalesforceFault(
                "simple-salesforce is not installed: pip install --require-hashes -r requirements/salesforce.txt"
            ) from None
        try:
            key = Path(access.key_file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SalesforceFault(f"the key of Salesforce, {access.key_file}, cannot be read: {error}") from None
        self._wait = wait
        self._salesforce: Any = self._patiently(
            lambda: Salesforce(
                username=access.username, consumer_key=access.consumer_key, privatekey=key, domain=access.domain,
                session=session or _session(), parse_float=str,
            )
        )  # fmt: skip

    def records(self, soql: str) -> Iterator[Mapping[str, Any]]:
        """Yield the records of a query, page by page."""
        page = self._patiently(lambda: self._salesforce.query(soql))
        while True:
            yield from page["records"]
            if page["done"]:
                return
            following = page["nextRecordsUrl"]
            page = self._patiently(lambda: self._salesforce.query_more(following, identifier_is_url=True))  # noqa: B023 (called at once)

    def update(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Update up to BATCH records, each by itself, and return what came of each, in their order."""
        content = _JSON.encode({"allOrNone": False, "records": records})
        outcomes: list[Mapping[str, Any]] = self._patiently(
            lambda: self._salesforce.restful("composite/sobjects", method="PATCH", data=content)
        )
        return outcomes

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """Call, again after each pause while what hinders may pass; raises SalesforceFault."""
        from requests import RequestException
        from simple_salesforce.exceptions import SalesforceError

        for pause in (*PAUSES_S, None):
            try:
                return call()
            except (SalesforceError, RequestException, ValueError) as error:
                if pause is None or not _may_pass(error):
                    # Its cause would show the request, and the token with it.
                    raise SalesforceFault(_sentence(error)) from None
                self._wait(pause)
        raise AssertionError("the last attempt returns or raises")


def _session() -> Any:
    from requests import Session

    class Bounded(Session):
        """A session that waits for no answer for ever."""

        def request(self, *arguments: Any, **options: Any) -> Any:
            """Ask, with a bound in seconds."""
            return super().request(*arguments, **{"timeout": _WAIT_S, **options})

    return Bounded()


def _codes(error: Exception) -> list[tuple[str, str]]:
    """Return the codes and messages of an answer that is a refusal."""
    content = getattr(error, "content", None)
    if isinstance(content, list):
        return [(str(each.get("errorCode", "")), str(each.get("message", ""))) for each in content]
    return []


def _may_pass(error: Exception) -> bool:
    from requests import ConnectionError as Unreachable
    from requests import Timeout

    return isinstance(error, Unreachable | Timeout) or _status(error) in _PASSING or _LIMIT in dict(_codes(error))


def _status(error: Exception) -> Any:
    """Return the status of an answer; a refused login has it in its code, or the code that OAuth names."""
    return getattr(error, "code", None) or getattr(error, "status", None)


def _sentence(error: Exception) -> str:
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed

    codes = _codes(error)
    status = _status(error)
    if isinstance(error, SalesforceAuthenticationFailed) and error.code not in _PASSING:
        return (
            f"Salesforce lets nobody in ({error.code}: {error.message}): check username, consumer_key, key_file and "
            "domain in SALESFORCE_FILE, and that the user may use the connected app"
        )
    if _LIMIT in dict(codes) or status == 429:
        return "Salesforce's limit of requests is reached: it is asked again by the clock; or run the command later"
    if codes:
        said = "; ".join(f"{code}: {message}" for code, message in codes)
        return f"Salesforce refuses: {said} (check the objects and fields in SALESFORCE_FILE)"
    told = f"HTTP {status}" if status else type(error).__name__
    return f"Salesforce can't be reached, or does not answer as it should ({told}): run the command later"
