"""Batches one after the other, each in its transaction; the next is priced while the server writes the one before."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import zip_longest

from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from billing.frame.audit_log import on_behalf
from billing.frame.background_copy import copying_beside
from billing.frame.database import open_engine, writing
from billing.frame.undisturbed import undisturbed
from billing.run.batch import BatchKey, mark_done, open_batch, write_batch

# A batch priced while another is written waits for others no longer than this.
_PATIENCE_MS = 20
_LOCK_NOT_AVAILABLE = "55P03"


@lru_cache(maxsize=1)
def _engine(database_url: str) -> Engine:
    # One engine a process, opened by the first batch it is given; a process that meets many databases, as
    # tests do, keeps only the last.
    return open_engine(make_url(database_url))


class BatchTransaction:
    """A batch in its transaction: priced when it is made, then written, then committed; or rolled back."""

    def __init__(self, key: BatchKey, patience_ms: int | None = None) -> None:
        """Open the transaction and price the batch.

        With a patience, raise OperationalError if the batch or the register is held by others for longer.
        """
        engine = on_behalf(_engine(key.database_url), key.act, lambda: key.recorded_at)
        self._key = key
        with ExitStack() as block:
            self._connection = block.enter_context(writing(engine))
            self._insert = block.enter_context(copying_beside(self._connection))
            if patience_ms is not None:
                self._connection.execute(text(f"SET LOCAL lock_timeout = {patience_ms}"))
            self._batch = open_batch(self._connection, key)
            if patience_ms is not None:
                self._connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
            self._block = block.pop_all()

    def write(self) -> None:
        """Write the batch, unless it was done already; many rows may still be on their way to the server."""
        if self._batch is not None:
            write_batch(self._connection, self._key, self._batch, self._insert)

    def finish(self) -> None:
        """Wait until the server has everything, and commit."""
        with self._block:
            if self._batch is not None:
                mark_done(self._connection, self._key)

    def roll_back(self, error: BaseException) -> None:
        """Take back, because of this error, what is not committed."""
        self._block.__exit__(type(error), error, error.__traceback__)


def do_batch(key: BatchKey) -> int:
    """Do one batch in a worker, whatever others do at the same time; gives its number."""
    do_batches([key], lambda _key, _number: None)
    return key.batch_no


def do_batches(keys: Sequence[BatchKey], committed: Callable[[BatchKey, int], None]) -> None:
    """Do batches one after the other in this process; `committed` is called after each.

    On PostgreSQL the next one is priced while the server still writes the last rows of one. That never waits for
    anybody: a transaction that has taken numbers waits for nothing that others may hold.
    """
    batch: BatchTransaction | None = None
    ahead: BatchTransaction | None = None
    try:
        for key, following in zip_longest(keys, keys[1:]):
            with undisturbed():
                batch, ahead = ahead or BatchTransaction(key), None
                batch.write()
                if following is not None:
                    ahead = _priced_ahead(following)
                batch.finish()
            committed(key, key.batch_no)
    except BaseException as error:
        for transaction in (batch, ahead):
            if transaction is not None:
                transaction.roll_back(error)
        raise


def _priced_ahead(key: BatchKey) -> BatchTransaction | None:
    """Price a batch while another is still being written; None where that is not to be had at once.

    SQLite has one writer. On PostgreSQL another run may hold the batch, or somebody wait to change the register.
    """
    if _engine(key.database_url).dialect.name != "postgresql":
        return None
    try:
        return BatchTransaction(key, _PATIENCE_MS)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return None
        raise
