"""Mails in a real browser, on a phone and on a screen: nothing sticks out; pictures are left in build/mails."""

import asyncio
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import websocket_connect

from invoices.mail import Mailbox
from tests.support.browser import HAS_BROWSER, Page, browser
from tests.support.documents import w1
from tests.support.mails import build_mail, with_face

pytestmark = pytest.mark.skipif(not HAS_BROWSER, reason="no Chromium here (Ubuntu has no package)")
NOW = datetime(2026, 9, 1, 6, 30, tzinfo=UTC)
OPERATOR = Mailbox("facturation", "parcs.example")
PICTURES = Path(__file__).parents[2] / "build" / "mails"


def _html(language: str) -> str:
    operator = "Société de Gestion des Parcs Technologiques"
    mail = build_mail(
        with_face(w1(), language), b"%PDF-1.7", sender=OPERATOR, sender_name=operator, recipient=OPERATOR, now=NOW
    )
    parts: list[Any] = list(message_from_bytes(mail.content, policy=default).walk())
    (page,) = (part.get_content() for part in parts if part.get_content_type() == "text/html")
    (logo,) = (part for part in parts if part.get_content_type() == "image/png")
    picture = b64encode(logo.get_content()).decode()
    return str(page).replace(f"cid:{logo['Content-ID'][1:-1]}", f"data:image/png;base64,{picture}")


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_a_mail_fits_a_phone_and_a_screen(language: str, tmp_path: Path) -> None:
    async def visit(driver: str) -> None:
        page = Page(await websocket_connect(driver, max_message_size=50 << 20))
        file = tmp_path / "mail.html"
        file.write_text(_html(language), encoding="utf-8")
        await page.open(file.as_uri())
        await page.wait_for("document.images.length === 1 && document.images[0].complete")
        PICTURES.mkdir(parents=True, exist_ok=True)
        for width in (360, 1200):
            metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
            await page.call("Emulation.setDeviceMetricsOverride", **metrics)
            assert await page.run("document.images[0].naturalWidth") == 144
            assert await page.run("document.documentElement.scrollWidth") <= width
            sticking = "(e => (b => b.right > innerWidth + 1 || b.left < -1)(e.getBoundingClientRect()))"
            assert await page.run(f"[...document.querySelectorAll('body *')].filter({sticking}).length") == 0
            shot = await page.call("Page.captureScreenshot", format="png")
            (PICTURES / f"invoice.{language}.{width}.png").write_bytes(b64decode(shot["data"]))

    with browser(tmp_path / "profile") as driver:
        asyncio.run(visit(driver))
