"""The documentation page in a real browser, which can reach nothing but the server."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.support.api import Caller
from tests.support.operations import operations
from tests.support.served import serving

BROWSER = (
    "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0",
)  # fmt: skip
pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here (Ubuntu has no package)")
_LISTENING = re.compile(r"DevTools listening on (ws://\S+)")


@contextmanager
def browser(profile: Path) -> Iterator[str]:
    """A browser; gives the address it is driven by."""
    process = subprocess.Popen([*BROWSER, f"--user-data-dir={profile}"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        address = next(found[1] for line in process.stderr if (found := _LISTENING.search(line)))
        yield address
    finally:
        process.kill()
        process.wait()


class Page:
    """A page of the browser, driven by scripts; notes every address it asks for."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self._session: str | None = None
        self._last = 0
        self.asked_for: list[str] = []

    async def call(self, method: str, **parameters: Any) -> Any:
        """One command; gives its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.write_message(json.dumps(message))
        while True:
            answer = json.loads(str(await self._socket.read_message()))
            if answer.get("method") == "Network.requestWillBeSent":
                self.asked_for.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    async def open(self, address: str) -> None:
        """Show an address."""
        target = await self.call("Target.createTarget", url="about:blank")
        found = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = found["sessionId"]
        await self.call("Network.enable")
        await self.call("Page.navigate", url=address)

    async def run(self, script: str) -> Any:
        """The value of a script."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def wait_for(self, script: str) -> Any:
        """The value of a script, once it is true."""
        for _ in range(100):
            value = await self.run(script)
            if value:
                return value
            await asyncio.sleep(0.1)
        raise AssertionError(script)


@pytest.fixture
def sqlite_only(engine: Engine) -> None:
    """A browser does not care for the database."""
    if engine.dialect.name != "sqlite":
        pytest.skip("once is enough: a browser does not see the database")


def test_every_operation_can_be_read_and_tried_without_any_other_server(
    sqlite_only: None, ground: Caller, engine: Engine, tmp_path: Path
) -> None:
    async def visit(driver: str, address: str) -> None:
        page = Page(await websocket_connect(driver))
        await page.open(f"{address}/docs")
        await page.wait_for("document.querySelectorAll('details').length > 0")
        assert await page.run("document.querySelectorAll('details').length") == len(operations(ground.app))
        assert "technopark-billing" in await page.run("document.title")
        assert await page.run("document.querySelector('#listSites summary').textContent") == "GET/v1/sitesThe sites"
        fields = await page.run("document.querySelector('#createLease table ~ table, #createLease').textContent")
        assert "area_m2" in fields

        # Without a token, then with one.
        await page.run("document.querySelector('#listSites button').click()")
        shown = "document.querySelector('#listSites pre').textContent"
        assert "401" in await page.wait_for(f"{shown}.includes('unauthenticated') && {shown}")
        await page.run(f"document.getElementById('token').value = '{ground.secrets['finance']}'")
        await page.run("document.querySelector('#listSites button').click()")
        assert "Technopark" in await page.wait_for(f"{shown}.includes('200') && {shown}")

        # A path, a body, a key.
        await page.run('document.querySelector(\'#createSite textarea\').value = \'{"code": "<b>", "name": "x"}\'')
        await page.run("document.querySelector('#createSite input').value = 'key-1'")
        await page.run("document.querySelector('#createSite button').click()")
        created = "document.querySelector('#createSite pre').textContent"
        assert '"code": "<b>"' in await page.wait_for(f"{created}.includes('201') && {created}")
        await page.run("document.querySelector('#getSite input').value = '<b>'")
        await page.run("document.querySelector('#getSite button').click()")
        assert await page.wait_for("document.querySelector('#getSite pre').textContent.includes('200')")

        # Files of a form.
        upload = "document.querySelector('#importNetwork input[type=file]')"
        await page.run(
            "const held = new DataTransfer(); held.items.add(new File(['code,legal_name\\n'], 'tenants.csv'));"
            f"{upload}.files = held.files; document.querySelector('#importNetwork button').click()"
        )
        answered = "document.querySelector('#importNetwork pre').textContent"
        assert "tenants.csv" in await page.wait_for(f"{answered}.includes('422') && {answered}")

        # What is filtered away is hidden.
        await page.run(
            "const f = document.getElementById('filter'); f.value = 'quotes'; f.dispatchEvent(new Event('input'))"
        )
        assert await page.run("document.querySelectorAll('details:not([hidden])').length") == 1
        assert all(asked.startswith(address) for asked in page.asked_for), page.asked_for

    url = engine.url.render_as_string(hide_password=False)
    with serving({"DATABASE_URL": url}, tmp_path) as served, browser(tmp_path / "profile") as driver:
        asyncio.run(visit(driver, served.address))


def test_the_page_names_no_other_address_and_its_policy_allows_none(ground: Caller) -> None:
    answer = ground("GET", "/docs", None)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert re.findall(r"(?:https?:)?//[a-z]", answer.text) == []
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy
