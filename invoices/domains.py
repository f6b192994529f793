"""Names of hosts and mail domains as they are written on the wire."""


def in_ascii(domain: str) -> str:
    """Return a domain in ASCII: letters beyond it by IDNA 2008, in which each is itself.

    By the rules of 2003, which Python's own codec follows, `faß` would be `fass`, another domain. Raises UnicodeError.
    """
    if domain.isascii():
        return domain
    import idna

    return idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
