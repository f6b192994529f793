"""Takes the files that other systems drop into a folder anywhere fsspec reaches: each once, each all or nothing.

That is how tills, room calendars and surveys hand over what they know. A file is remembered by its SHA-256 in the log
of imports, in the transaction that takes it; it stays where it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import fsspec
from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.frame.errors import BadConfiguration, Refused
from billing.frame.settings import Settings
from billing.register.network_import import HandedOver, ImportReport, import_folder
from billing.register.network_import.further import FurtherFile
from billing.register.network_import.layout import LAYOUTS
from billing.register.network_import.reading.folder import ONE_WORKBOOK
from billing.register.tables import import_log

_ENDINGS = frozenset({"csv", "xlsx"})


class Taken(NamedTuple):
    """A file that was looked at: its report, or why it was refused."""

    name: str
    report: ImportReport | None
    refusal: str = ""


def take_dropped(
    engine: Engine,
    url: str,
    *,
    now: datetime,
    settings: Settings,
    further: Iterable[FurtherFile] = (),
    dry_run: bool = False,
) -> Iterator[Taken]:
    """Take each file of a folder that was not taken before, in the order of the import's files; yield what came of it.

    A file is named after a file of the network folder, with what its sender likes after a hyphen: `usage.csv`,
    `usage-cantine-2026-11-30.xlsx`, `network-rabat.xlsx`. One that is refused hinders no other, and is tried again the
    next time. Other files are left alone. Raises OSError where the folder can't be reached, BadConfiguration where a
    package that reaches it is missing.
    """
    files = {file.layout.stem: file for file in further}
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise BadConfiguration(f"that kind of folder needs another package: {error}") from None
    # A file system of objects remembers what it has listed.
    filesystem.invalidate_cache()
    order = {stem: place for place, stem in enumerate([Path(ONE_WORKBOOK).stem, *LAYOUTS, *files])}
    names = [str(path).rpartition("/")[2] for path in filesystem.ls(root, detail=False)]
    named = sorted((order[stem], name, stem) for name in names if (stem := _stem_of(name, order)) is not None)
    for _, name, stem in named:
        content = filesystem.cat_file(f"{root}/{name}")
        source = f"{url.rpartition('@')[2]} {name} sha256:{sha256(content).hexdigest()}"
        if not _is_taken(engine, source):
            with TemporaryDirectory() as folder:
                (Path(folder) / f"{stem}.{name.lower().rpartition('.')[2]}").write_bytes(content)
                handed = HandedOver(Path(folder), source)
                try:
                    report = import_folder(
                        engine, handed, now=now, dry_run=dry_run, settings=settings, further=files.values()
                    )
                except Refused as refused:
                    yield Taken(name, None, str(refused))
                else:
                    yield Taken(name, report)


def _stem_of(name: str, stems: Mapping[str, int]) -> str | None:
    """Return which file of the network folder a file is; None: none."""
    whole, _, ending = name.lower().rpartition(".")
    stem = whole.partition("-")[0]
    return stem if ending in _ENDINGS and stem in stems else None


def _is_taken(engine: Engine, source: str) -> bool:
    digest = source.rpartition(" ")[2]
    with reading(engine) as connection:
        taken = select(import_log.c.id).where(import_log.c.source.endswith(digest)).limit(1)
        return connection.scalar(taken) is not None
