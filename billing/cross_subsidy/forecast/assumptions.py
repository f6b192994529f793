"""The assumptions of a forecast: a file with defaults, read exactly, every fault named."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from billing.frame.cells import BadCell
from billing.frame.cells import quantity as parse_quantity
from billing.frame.errors import Fault, Refused
from pricing.eligibility import KINDS
from pricing.forecast.assumptions import Assumptions

SHIPPED = "assumptions.toml"
# So many newcomers a month at one site, on average, at most.
ARRIVALS_MAX = 10
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}/[1-9][0-9]{0,8}", re.ASCII)
_SECTIONS = {
    "arrivals": {"a_month", "kinds", "areas_m2", "young"},
    "departures": {"subsidised", "at_the_switch", "market"},
    "unpaid": {"least", "most"},
}


def parse_share(text: str) -> Fraction | None:
    """Read a part from zero to one, written `0.4` or `2/5`; None for anything else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    share = Fraction(text)
    return share if share <= 1 else None


def shipped_text() -> str:
    """Return the file of defaults, as it is shipped."""
    return (files("billing.cross_subsidy.forecast") / SHIPPED).read_text(encoding="utf-8")


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads(shipped_text())


def load_assumptions(path: Path | None) -> Assumptions:
    """Read the assumptions of a file, those it leaves out as shipped; None: all as shipped. Raises Refused."""
    if path is None:
        return read_assumptions({}, SHIPPED)
    try:
        return read_assumptions(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = f"is not a TOML file in UTF-8: {error}"
    raise Refused([Fault(path.name, None, None, None, reason, "see `technopark-billing forecast assumptions`")])


def read_assumptions(given: Mapping[str, Any], source: str) -> Assumptions:
    """Read the assumptions given, those left out as shipped; raises Refused with every fault."""
    reader = _Reader(source)
    reader.require_known(given)
    merged = {section: {**settings, **_table(given.get(section))} for section, settings in _shipped().items()}
    arrivals, departures, unpaid = merged["arrivals"], merged["departures"], merged["unpaid"]
    assumptions = Assumptions(
        arrivals=dict(reader.weights("arrivals.a_month", arrivals["a_month"], ARRIVALS_MAX)),
        kinds=reader.shares("arrivals.kinds", arrivals["kinds"], reader.kind),
        areas=reader.shares("arrivals.areas_m2", arrivals["areas_m2"], reader.area),
        young=reader.number("arrivals.young.share", _table(arrivals["young"]).get("share")),
        leaves_subsidised=reader.number("departures.subsidised", departures["subsidised"]),
        leaves_at_the_switch=reader.number("departures.at_the_switch", departures["at_the_switch"]),
        leaves_market=reader.number("departures.market", departures["market"]),
        unpaid_least=reader.number("unpaid.least", unpaid["least"]),
        unpaid_most=reader.number("unpaid.most", unpaid["most"]),
    )
    if assumptions.unpaid_least > assumptions.unpaid_most:
        reader.fault("unpaid.least", str(unpaid["least"]), "is above unpaid.most", "exchange the two")
    if reader.faults:
        raise Refused(reader.faults)
    return assumptions


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


class _Reader:
    """Reads one file's values, and gathers what is wrong with them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []

    def fault(self, name: str, value: str | None, problem: str, remedy: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(self.source, None, name, value, problem, remedy))

    def require_known(self, given: Mapping[str, Any]) -> None:
        """Note each name that is no assumption."""
        for section, settings in given.items():
            if section not in _SECTIONS:
                self.fault(section, None, "is no assumption", f"known are {', '.join(_SECTIONS)}")
            elif not isinstance(settings, Mapping):
                self.fault(section, str(settings), "is no section", f"write [{section}]")
            else:
                for name in sorted(set(settings) - _SECTIONS[section]):
                    known = ", ".join(sorted(_SECTIONS[section]))
                    self.fault(f"{section}.{name}", None, "is no assumption", f"known are {known}")

    def number(self, name: str, text: Any, most: int = 1) -> Fraction:
        """Read a number from zero to `most`, written as a text."""
        if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
            self.fault(name, None if text is None else str(text), "is no such number", 'write "0.05" or "1/20"')
            return Fraction(0)
        number = Fraction(text)
        if number > most:
            self.fault(name, text, f"is above {most}", "give less")
            return Fraction(0)
        return number

    def weights(self, name: str, table: Any, most: int = 1) -> Iterator[tuple[str, Fraction]]:
        """Read a table: each key with its number."""
        if not isinstance(table, Mapping) or not table:
            self.fault(name, str(table), "is no table", f"write [{name}]")
            return
        for key, text in table.items():
            yield str(key), self.number(f"{name}.{key}", text, most)

    def shares(self, name: str, table: Any, key_of: Callable[[str, str], Any]) -> dict[Any, Fraction]:
        """Read shares that sum to one, by key."""
        shares = {key_of(f"{name}.{key}", key): share for key, share in self.weights(name, table)}
        if sum(shares.values()) != 1:
            self.fault(name, str(sum(shares.values())), "is what its shares sum to", "let them sum to 1")
        return shares

    def kind(self, name: str, key: str) -> str:
        """Read a kind of tenant."""
        if key not in KINDS:
            self.fault(name, key, "is no kind of tenant", f"kinds are {', '.join(KINDS)}")
        return key

    def area(self, name: str, key: str) -> int:
        """Read an area, in millionths of a m2."""
        try:
            return int(parse_quantity(key))
        except BadCell as bad:
            self.fault(name, key, bad.problem, bad.remedy)
            return 0
