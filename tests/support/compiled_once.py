"""What a test process compiles once: statements for all its databases, builders of addresses for all its apps."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


class _Statements(LRUCache[Any, Any]):
    """Compiled statements, known by their dialect's name: the dialects of all engines of a kind are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what a statement was compiled to."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


_STATEMENTS = _Statements(1_500)


def compile_once() -> None:
    """Let all engines made from now on share their compiled statements, and all apps what builds their addresses."""
    make = Engine.__init__

    def make_sharing(engine: Engine, *arguments: Any, **options: Any) -> None:
        make(engine, *arguments, **options)
        engine._compiled_cache = _STATEMENTS

    Engine.__init__ = make_sharing  # type: ignore[method-assign, assignment] # no event tells of an engine that was made

    # An address builder is compiled source that knows of its rule nothing but this.
    build = Rule._compile_builder
    builders: dict[Any, Any] = {}

    def build_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = rule.rule, rule.subdomain, repr(rule.defaults), append_unknown
        if key not in builders:
            builders[key] = build(rule, append_unknown)
        return builders[key]

    Rule._compile_builder = build_once  # type: ignore[method-assign, assignment]
