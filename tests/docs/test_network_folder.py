"""docs/finance.md lists the columns of a network folder as the sample network has them."""

import re
from pathlib import Path

from billing.register.network_import.layout import LAYOUTS
from billing.run.usage_voids.voids_file import USAGE_VOIDS

ROOT = Path(__file__).parents[2]
NETWORK = ROOT / "billing" / "demo" / "network"


def test_finance_page_lists_the_columns_of_every_file() -> None:
    page = (ROOT / "docs" / "finance.md").read_text(encoding="utf-8").partition("## The network folder")[2]
    rows = re.findall(r"^\| `(\w+\.csv)` \| (\*\*.+?) \|", page, re.MULTILINE)
    listed = {name: columns.replace("*", "").split(", ") for name, columns in rows}
    headers = {path.name: path.read_text(encoding="utf-8").split("\n")[0].split(",") for path in NETWORK.glob("*.csv")}
    headers["units.csv"] = list(LAYOUTS["units"].names)
    headers["surveys.csv"] = [name for name in LAYOUTS["surveys"].names if name != "left_as"]
    headers["usage_voids.csv"] = list(USAGE_VOIDS.names)
    assert listed == headers
