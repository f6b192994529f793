"""A real browser, driven by scripts, which can reach nothing but this host."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection

HAS_BROWSER = shutil.which("chromium") is not None
BROWSER = (
    "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0",
)  # fmt: skip
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
