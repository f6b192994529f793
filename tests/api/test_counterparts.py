"""What only the command line did: deliver, check, send accounts, erase, and every export in each of its formats."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date

from sqlalchemy import Connection, Engine

from billing.books.journal import trial_balance
from billing.documents import export
from billing.documents.explanation.explaining import explain
from billing.documents.explanation.files import pieces as explanation_pieces
from billing.frame.database import reading
from billing.register.occupancy.files import pieces as occupancy_pieces
from billing.register.occupancy.queries import occupancy
from billing.run import matrix_export, waterfall_export
from ledger.exports.tables import MEDIA_TYPES, TABLES
from tests.support.api import Caller
from tests.support.spoiling import behind_its_back

JUNE = date(2026, 6, 1)
DAY = date(2026, 9, 2)
NUMBER = "FA-2026-000001"
EXPORTS: dict[str, Callable[[Connection, str], Iterator[bytes]]] = {
    "exports/documents?period=2026-06": lambda c, f: export.pieces(c, JUNE, f),
    "exports/documents?from=2026-06-01&until=2026-08-31": lambda c, f: export.pieces_of_days(c, JUNE, DAY, f),
    "cross-subsidy/2026-06?": lambda c, f: waterfall_export.pieces(c, JUNE, f),
    "cross-subsidy/2026-06/matrix?": lambda c, f: matrix_export.pieces(c, JUNE, f),
    "ledger/trial-balance?until=2026-09-02": lambda c, f: trial_balance.pieces(c, DAY, f),
    "occupancy?": lambda c, f: occupancy_pieces(occupancy(c, DAY), f),
    f"documents/{NUMBER}/explanation?": lambda c, f: explanation_pieces(explain(c, NUMBER), f),
}


def test_exports_are_the_files_of_the_command_line(park: Caller, engine: Engine) -> None:
    for address, pieces in EXPORTS.items():
        for chosen in TABLES:
            answer = park("GET", f"/v1/{address}&format={chosen}", "auditor")
            assert (answer.status_code, answer.content_type) == (200, MEDIA_TYPES[chosen]), (address, answer.text)
            with reading(engine) as connection:
                assert answer.data == b"".join(pieces(connection, chosen)), (address, chosen)
        assert park("GET", f"/v1/{address}&format=ods").status_code == 422, address
    for address in ("documents", "tenant-summaries", "entries", "indicators", f"documents/{NUMBER}"):
        assert park("GET", f"/v1/{address}?format=csv").content_type == MEDIA_TYPES["csv"], address
    assert len(park("GET", "/v1/documents?format=csv&tenant=A1&limit=1").text.splitlines()) == 4
    for wrong in ("", "?period=2026-06&from=2026-06-01", "?from=2026-07-01&until=2026-06-01"):
        assert park("GET", f"/v1/exports/documents{wrong}").status_code == 422, wrong
    assert park("GET", "/v1/exports/documents?period=2026-01").status_code == 404


def test_the_database_is_checked_and_its_proof_taken_along(park: Caller, engine: Engine) -> None:
    proved = park.post("/v1/checks", {}, scope="auditor")
    assert (proved.status_code, proved.json["proved"], proved.json["problems"]) == (200, True, [])
    with zipfile.ZipFile(io.BytesIO(park("GET", "/v1/proof/export", "auditor").data)) as archive:
        assert {"records.jsonl", "leaves.txt", "verify_books.py"} <= set(archive.namelist())
    behind_its_back(engine, "UPDATE tenant SET city = 'Ailleurs' WHERE code = 'A1'")
    found = park.post("/v1/checks", {"files": False}).json
    assert (found["proved"], len(found["problems"])) == (False, 1)
    assert "A1" in found["problems"][0]


def test_what_is_queued_is_sent_when_somebody_asks(park: Caller) -> None:
    queued = len(park.get("/v1/deliveries?state=queued&limit=500")["items"])
    assert park.post("/v1/deliveries", None, scope="auditor").status_code == 403
    sent = park.post("/v1/deliveries", None, key="once")
    assert (sent.status_code, sent.json["sent"], sent.json["queued"], sent.json["stopped"]) == (200, queued, 0, None)
    assert park.post("/v1/deliveries", None, key="once").data == sent.data
    assert park.post("/v1/deliveries", None).json["sent"] == 0
    for address in ("cross-subsidy/accounts", "personal-data/erasures"):
        nothing = park.post(f"/v1/{address}", {"dry_run": False}, scope="admin")
        assert (nothing.status_code, nothing.json["dry_run"]) == (200, False)
