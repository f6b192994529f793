"""Results of slow questions are kept while nothing was written since."""

import pytest
from sqlalchemy import Engine

from billing.frame.computed import Computed
from billing.frame.database import reading
from tests.support.tenants import add_tenant


def test_a_question_is_computed_once_as_long_as_nothing_is_written(engine: Engine) -> None:
    computed, asked = Computed(), []

    def answer(question: str) -> int:
        def compute() -> int:
            asked.append(question)
            return len(asked)

        with reading(engine) as connection:
            return computed.of(connection, question, compute)

    assert [answer("a"), answer("b"), answer("a")] == [1, 2, 1]
    add_tenant(engine, "T0001")
    assert [answer("a"), answer("a")] == [3, 3]
    for n in range(16):
        answer(f"another {n}")
    assert answer("a") == 20


def test_what_is_raised_is_kept_by_nobody(engine: Engine) -> None:
    computed = Computed()

    def fails() -> int:
        raise ValueError("no")

    with reading(engine) as connection:
        with pytest.raises(ValueError, match="no"):
            computed.of(connection, "a", fails)
        assert computed.of(connection, "a", lambda: 5) == 5
