"""The proof kept up by the clock: the log follows the books, a checkpoint follows the log within the hour."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from billing.frame.civil_time import utc
from billing.frame.database import reading
from billing.frame.settings import Settings
from billing.proof import log
from billing.proof.checkpoints import Checkpoint, make_checkpoint, newest_checkpoint

# Between two checkpoints of a log that grows; on demand one can be had at any time.
CHECKPOINT_EVERY = timedelta(hours=1)


def keep_up(settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> tuple[int, Checkpoint | None]:
    """Log what was committed; sign the log's head if there is a key and it is time.

    Return how many records were added, and what was signed. Raises what `log.append` and `make_checkpoint` raise.
    """
    added = log.append(engine)
    if settings.proof_key_file is None:
        return added, None
    with reading(engine) as connection:
        newest, size = newest_checkpoint(connection), log.size_of(connection)
    if newest is not None:
        signed_at = utc(newest.signed_at)
        if newest.size == size or clock() - signed_at < CHECKPOINT_EVERY:
            return added, None
    return added, make_checkpoint(settings, engine, clock)
