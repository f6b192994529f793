"""Who asks, and by which scheme, where a proxy stands before the service: believed from trusted proxies alone."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def behind_proxies(application: Application, trusted: Sequence[Network]) -> Application:
    """Return an application that is told the client's address and scheme in place of a trusted proxy's."""

    def within(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if peer is not None and _is_trusted(peer, trusted):
            environ["REMOTE_ADDR"] = str(_client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return application(environ, start_response)

    return within if trusted else application


def _client(peer: IPv4Address | IPv6Address, forwarded: str, trusted: Sequence[Network]) -> IPv4Address | IPv6Address:
    """Return the last address that no trusted proxy has: each wrote down, at the end, who asked it."""
    client = peer
    for text in reversed(forwarded.split(",")):
        address = _address(text.strip())
        if address is None:
            break
        client = address
        if not _is_trusted(address, trusted):
            break
    return client


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_trusted(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
