"""The configurations of proxies that the docs show, run as they stand but for ports, names and certificates."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from billing.frame.database import open_engine
from billing.frame.settings import load_settings
from billing.schema.migrating import migrate
from tests.support.served import free_port, serving

DEPLOY = Path(__file__).parent.parent / "docs" / "deploy"
NAME = "facturation.parcs.example"


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with each of these found once at least, and changed."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, api: str, port: int, pem: Path) -> list[str]:
    """The command that runs nginx."""
    site = changed(
        (DEPLOY / "nginx.conf").read_text(), ("127.0.0.1:8000", api),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen 127.0.0.1:{free_port()}"), (f"/etc/ssl/{NAME}.pem", str(pem)),
        (f"/etc/ssl/private/{NAME}.key", str(pem)),
    )  # fmt: skip
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log stderr; events {{}} "
        f"http {{ access_log off; {paths} include {folder}/site.conf; }}"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def caddy(folder: Path, api: str, port: int, pem: Path) -> list[str]:
    """The command that runs Caddy."""
    site = changed(
        (DEPLOY / "Caddyfile").read_text(), ("127.0.0.1:8000", api),
        ("\tservers {", "\tadmin off\n\tauto_https off\n\tservers {"),
        (f"{NAME} {{", f"https://localhost:{port} {{\n\ttls {pem} {pem}"),
    )  # fmt: skip
    (folder / "Caddyfile").write_text(site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def proxy(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """A proxy that listens."""
    home = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PATH": "/usr/sbin:/usr/bin",
    }
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=home)
    try:
        for _ in range(200):
            assert process.poll() is None, (folder / "proxy.log").read_text()
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A key and its certificate for localhost."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


@pytest.mark.parametrize("prepare", [nginx, caddy])
def test_a_proxy_of_the_docs_serves_by_tls_and_says_who_asks(
    prepare: Callable[[Path, str, int, Path], list[str]], tmp_path: Path, pem: Path
) -> None:
    if shutil.which(prepare.__name__, path="/usr/sbin:/usr/bin") is None:
        pytest.skip(f"{prepare.__name__} is not installed: scripts/install test installs it on Debian and Ubuntu")
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'billing.sqlite'}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "RATE_LIMIT_ADDRESS": "4/hour",
        "JOBS_PROCESSES": "0",
    }
    migrate(open_engine(load_settings(environment).database_url))
    port = free_port()
    with serving(environment, tmp_path, 1) as served:
        command = prepare(tmp_path, served.address.removeprefix("http://"), port, pem)
        with proxy(command, port, tmp_path):

            def ask(
                method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), body: Any = None
            ) -> tuple[int, str]:
                client = HTTPSConnection("localhost", port, context=ssl.create_default_context(cafile=pem), timeout=20)
                client.request(method, path, body, dict(headers))
                answer = client.getresponse()
                answer.read()
                assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
                return answer.status, answer.headers["Content-Type"]

            assert ask("GET", "/healthz") == (200, "application/json")
            # nginx gives a body in pieces its length; Debian's Caddy leaves it in pieces, which are refused.
            pieces = iter([b'{"tenant": ', b'"T1"}'])
            assert ask("POST", "/v1/quotes", {"Content-Type": "application/json"}, pieces)[0] == (
                401 if prepare is nginx else 411
            )
            # What a client says of its address counts for nothing: it has one.
            asked = [ask("GET", "/v1/sites", {"X-Forwarded-For": f"203.0.113.{n}"})[0] for n in range(4)]
            assert asked == [401, 401, 401, 429]
