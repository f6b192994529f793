"""The addresses that webhooks may go to: https on the internet; networks of one's own only where a setting allows it.

Otherwise whoever may add an endpoint could have this host ask others behind the firewall, or a cloud's metadata
service. A name is judged by the address it leads to at the moment of connection, and that very address is connected
to: what the name leads to a moment later (DNS rebinding) plays no part.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from billing.frame.errors import Fault, Refused
from invoices.domains import in_ascii

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
URL_LENGTH_MAX = 2048
_PORTS = {"https": 443, "http": 80}
# IPv6 networks whose addresses end with an IPv4 address, which is where they lead to; and the old site-local ones.
_ENDING_WITH_IPV4 = (ip_network("64:ff9b::/96"), ip_network("::/96"))
_SITE_LOCAL = ip_network("fec0::/10")
_TARGET = re.compile(r"[!-~]*", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)


class Target(NamedTuple):
    """Where webhooks are sent: a URL in its parts, ready for the wire."""

    is_plain: bool
    host: str
    port: int
    path: str


def origin_of(url: str) -> str:
    """Return the beginning of a URL, which holds no secret: `https://erp.example`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def parse_target(url: str, networks: Sequence[Network]) -> Target:
    """Return where a URL leads; raises Refused for one that webhooks may never be sent to."""

    def refused(problem: str, remedy: str) -> Refused:
        return Refused([Fault("webhooks", None, "url", url, problem, remedy)])

    try:
        parts = urlsplit(url)
        host, port = in_ascii(parts.hostname or ""), parts.port
    except (ValueError, UnicodeError):
        raise refused("is no URL", "write https://HOST/PATH") from None
    if parts.scheme not in _PORTS or not host:
        raise refused("is no URL of the web", "write https://HOST/PATH")
    if parts.scheme == "http" and not networks:
        raise refused("is not encrypted", "write https://…: http is for networks that WEBHOOK_NETWORKS allows")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise refused(
            "has a user, password or fragment", "leave it out: webhooks are signed, which says who sends them"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if _TARGET.fullmatch(path) is None or len(url) > URL_LENGTH_MAX:
        raise refused(
            f"is longer than {URL_LENGTH_MAX} characters, or has some that URLs have not", "percent-encode them"
        )
    target = Target(parts.scheme == "http", host, port or _PORTS[parts.scheme], path)
    address = _written_address(host)
    if address is None and _HOST.fullmatch(host) is None:
        raise refused("names no host", "write https://HOST/PATH")
    if address is not None and not may_be_told(address, target, networks):
        raise refused(
            "is an address of a private network", "use a public one, or have an operator set WEBHOOK_NETWORKS"
        )
    return target


def _written_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def may_be_told(address: Address, target: Target, networks: Sequence[Network]) -> bool:
    """Return whether webhooks of a target may go to an address: a public one by https, or one that is allowed."""
    if any(address in network for network in networks):
        return True
    return (
        not target.is_plain
        and all(each.is_global and not each.is_multicast for each in _meant(address))
        and (address not in _SITE_LOCAL)
    )


def _meant(address: Address) -> Iterator[Address]:
    """Yield an address and the IPv4 address within it, by which it could lead back into private networks."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
            return
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if any(address in network for network in _ENDING_WITH_IPV4):
            yield IPv4Address(int(address) & 0xFFFFFFFF)
    yield address
