"""Counts as people write them: `1 reminder`, `2 reminders`."""


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return a number with what it counts, in the singular or the plural (by default with an `s`)."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"
