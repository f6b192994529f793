"""DECISIONS.md numbers its entries without gap, states each one's status, and lists each in the index of topics."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "DECISIONS.md").read_text(encoding="utf-8")
ENTRY = re.compile(
    r'^## <a id="d(\d+)"></a>(\d+)\. .+\n\*(\d{4}-\d\d-\d\d), (?:accepted|superseded by \[\d+\]\(#d\d+\))\*$', re.M
)


def test_decisions_are_numbered_in_the_order_of_their_dates() -> None:
    entries = ENTRY.findall(TEXT)
    assert len(entries) == TEXT.count("\n## ")
    assert [(anchor, number) for anchor, number, _ in entries] == [(str(n), str(n)) for n in range(1, len(entries) + 1)]
    assert [day for *_, day in entries] == sorted(day for *_, day in entries)


def test_the_index_names_each_decision_once_and_every_link_leads_somewhere() -> None:
    numbers = [number for _, number, _ in ENTRY.findall(TEXT)]
    index, _, entries = TEXT.partition("\n## ")
    links = re.findall(r"\[(\d+)\]\(#d(\d+)\)", index)
    assert sorted(links, key=lambda link: int(link[0])) == [(number, number) for number in numbers]
    assert {target for _, target in re.findall(r"\[(\d+)\]\(#d(\d+)\)", entries)} <= set(numbers)
