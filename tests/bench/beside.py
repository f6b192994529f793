"""A small GET while exports run: nobody waits for a greedy reader."""

import http.client
import json
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from sqlalchemy import make_url

from tests.bench.api import DOCUMENT, seed, served
from tests.bench.table import AT_MOST, Row

EXPORTS = 2
_EXPORT = "/v1/ledger/exports?format=xlsx"


class Client:
    """Asks over one connection after the other, as browsers behind a proxy do."""

    def __init__(self, address: str, secret: str) -> None:
        self._place = urlsplit(address).netloc
        self._secret = secret

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Get an address."""
        client = http.client.HTTPConnection(self._place, timeout=120)
        client.request("GET", path, headers={"Authorization": f"Bearer {self._secret}", **headers})
        answer = client.getresponse()
        content = answer.read()
        client.close()
        return answer.status, answer.headers, content

    def p99_ms(self, count: int) -> float:
        """Return the time that one in a hundred of the small GETs exceeds."""
        took = []
        for _ in range(count):
            began = time.perf_counter()
            status, _headers, _content = self.get(f"/v1/documents/{DOCUMENT}")
            took.append(1000 * (time.perf_counter() - began))
            if status != 200:
                raise RuntimeError(f"a small GET was answered {status}")
        return quantiles(took, n=100)[98]

    def export_until(self, ended: threading.Event) -> None:
        """Take one export after the other, as a job."""
        while not ended.is_set():
            status, headers, content = self.get(_EXPORT, Prefer="respond-async")
            if status != 202:
                raise RuntimeError(f"an export was answered {status}: {content[:200]!r}")
            while not ended.wait(0.2):
                if json.loads(self.get(headers["Location"])[2])["state"] not in ("queued", "running"):
                    break


def rows(*, quick: bool = False) -> list[Row]:
    """The bound of the issue: p99 beside two exports at most three times that alone."""
    rounds, count = (3, 300) if quick else (5, 1500)
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = make_url(f"sqlite:///{folder / 'bench.sqlite'}")
        secret = seed(url)
        with served("ours", url, folder / "ours.log") as address:
            client = Client(address, secret)
            client.p99_ms(count)
            alone, beside = [], []
            for _ in range(rounds):
                alone.append(client.p99_ms(count))
                ended = threading.Event()
                readers = [threading.Thread(target=client.export_until, args=(ended,)) for _ in range(EXPORTS)]
                for reader in readers:
                    reader.start()
                time.sleep(1)
                beside.append(client.p99_ms(count))
                ended.set()
                for reader in readers:
                    reader.join()
    ratio = median(b / a for a, b in zip(alone, beside, strict=True))
    return [
        Row(
            "API: p99 of a small GET beside two exports ÷ alone", ratio, AT_MOST, 3,
            f"{median(beside):.1f} ÷ {median(alone):.1f} ms",
        )
    ]  # fmt: skip
