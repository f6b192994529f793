"""What a forecast assumes: a file with defaults, read exactly, every fault named."""

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
from pricing.money import format_quantity

SHIPPED = "assumptions.toml"
# So many newcomers a month at one site, on average, at most.
ARRIVALS_MAX = 10
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}/[1-9][0-9]{0,8}", re.ASCII)
_SECTIONS = {
    "arrivals": {"a_month", "kinds", "areas_m2", "young"},
    "departures": {"subsidised", "at_the_switch", "market"},
    "unpaid": {"least", "most"},
}


def assumptions_json(assumptions: Assumptions) -> dict[str, Any]:
    """Return assumptions as their file would say them."""
    return {
        "arrivals": {
            "a_month": _texts(assumptions.arrivals),
            "kinds": _texts(assumptions.kinds),
            "areas_m2": {format_quantity(area): _text(share) for area, share in assumptions.areas.items()},
            "young": {"share": _text(assumptions.young)},
        },
        "departures": {
            "subsidised": _text(assumptions.leaves_subsidised),
            "at_the_switch": _text(assumptions.leaves_at_the_switch),
            "market": _text(assumptions.leaves_market),
        },
        "unpaid": {"least": _text(assumptions.unpaid_least), "most": _text(assumptions.unpaid_most)},
    }


def parse_share(text: str) -> Fraction | None:
    """A part from nil to one, written `0.4` or `2/5`; None for anything else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    found = Fraction(text)
    return found if found <= 1 else None


def shipped_text() -> str:
    """The file of defaults, as it is shipped."""
    return (files("billing.cross_subsidy.forecast") / SHIPPED).read_text(encoding="utf-8")


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads(shipped_text())


def load_assumptions(path: Path | None) -> Assumptions:
    """The assumptions of a file, those it leaves out as shipped; None: all as shipped. Raises Refused."""
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
    """The assumptions given, those left out as shipped; raises Refused with every fault."""
    reader = _Reader(source)
    reader.require_known(given)
    merged = {section: {**settings, **_table(given.get(section))} for section, settings in _shipped().items()}
    arrivals, departures, unpaid = merged["arrivals"], merged["departures"], merged["unpaid"]
    found = Assumptions(
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
    if found.unpaid_least > found.unpaid_most:
        reader.fault("unpaid.least", str(unpaid["least"]), "is above unpaid.most", "exchange the two")
    if reader.faults:
        raise Refused(reader.faults)
    return found


def _table(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _text(number: Fraction) -> str:
    return str(number)


def _texts(numbers: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: _text(number) for name, number in numbers.items()}


class _Reader:
    """Reads one file's values, and gathers what is wrong with them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []

    def fault(self, name: str, value: str | None, problem: str, remedy: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(self.source, None, name, value, problem, remedy))

    def require_known(self, given: Mapping[str, Any]) -> None:
        """Note what is no assumption."""
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
        """A number from nil to `most`, written as a text."""
        if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
            self.fault(name, None if text is None else str(text), "is no such number", 'write "0.05" or "1/20"')
            return Fraction(0)
        found = Fraction(text)
        if found > most:
            self.fault(name, text, f"is above {most}", "give less")
            return Fraction(0)
        return found

    def weights(self, name: str, table: Any, most: int = 1) -> Iterator[tuple[str, Fraction]]:
        """Each key with its number."""
        if not isinstance(table, Mapping) or not table:
            self.fault(name, str(table), "is no table", f"write [{name}]")
            return
        for key, text in table.items():
            yield str(key), self.number(f"{name}.{key}", text, most)

    def shares(self, name: str, table: Any, key_of: Callable[[str, str], Any]) -> dict[Any, Fraction]:
        """Shares that sum to one, by key."""
        found = {key_of(f"{name}.{key}", key): share for key, share in self.weights(name, table)}
        if sum(found.values()) != 1:
            self.fault(name, str(sum(found.values())), "is what its shares sum to", "let them sum to 1")
        return found

    def kind(self, name: str, key: str) -> str:
        """A kind of tenant."""
        if key not in KINDS:
            self.fault(name, key, "is no kind of tenant", f"kinds are {', '.join(KINDS)}")
        return key

    def area(self, name: str, key: str) -> int:
        """An area in millionths of a m2."""
        try:
            return int(parse_quantity(key))
        except BadCell as bad:
            self.fault(name, key, bad.problem, bad.remedy)
            return 0
