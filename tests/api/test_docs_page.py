"""The documentation page in a real browser, which can reach nothing but the server."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tornado.websocket import websocket_connect

from tests.support.api import Caller
from tests.support.browser import HAS_BROWSER, Page, browser
from tests.support.operations import operations
from tests.support.served import serving

pytestmark = pytest.mark.skipif(not HAS_BROWSER, reason="no Chromium here (Ubuntu has no package)")


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
