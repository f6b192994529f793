"""One cache of compiled statements for all databases of a test process: an engine a test would compile each anew."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache


class _Statements(LRUCache[Any, Any]):
    """Compiled statements, known by their dialect's name: the dialects of all engines of a kind are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what a statement was compiled to."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


_STATEMENTS = _Statements(1_500)


def share_statements() -> None:
    """Let all engines made from now on share their compiled statements."""
    make = Engine.__init__

    def make_sharing(engine: Engine, *arguments: Any, **options: Any) -> None:
        make(engine, *arguments, **options)
        engine._compiled_cache = _STATEMENTS

    Engine.__init__ = make_sharing  # type: ignore[method-assign, assignment] # no event tells of an engine that was made
