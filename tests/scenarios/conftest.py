"""Every story is told on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.park import Park, open_park


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """A park without anything entered yet."""
    return open_park(engine, tmp_path)
