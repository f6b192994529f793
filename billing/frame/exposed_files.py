"""Files of the service that others on the host may read: the database, the keys, the folders of documents and mails."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from billing.frame.settings import Settings


def exposed_files(settings: Settings) -> list[str]:
    """Say which files of these settings others on this host may read, and how to shut them: a sentence each.

    What is written from now on is private; what stands keeps its mode until a person changes it.
    """
    return [
        f"{what} {path} may be read by others on this host: chmod -R go= {path}"
        for what, path in _files(settings)
        if _is_exposed(path)
    ]


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    url = settings.database_url
    if url.get_backend_name() == "sqlite" and url.database:
        yield "the database", Path(url.database)
    documents = settings.documents_url
    if documents.startswith("file:") or ":" not in documents:
        yield "the folder of documents", Path(unquote(urlsplit(documents).path))
    if settings.mail.folder is not None:
        yield "the folder of mails", settings.mail.folder
    yield "the folder of jobs", settings.jobs_folder
    if settings.jobs_processes:
        yield "the folder of jobs", settings.jobs_folder
    if settings.proof_key_file is not None:
        yield "the key that signs checkpoints", settings.proof_key_file
    if settings.salesforce is not None:
        yield "the key of Salesforce", Path(settings.salesforce.access.key_file)


def _is_exposed(path: Path) -> bool:
    """Return whether others may read a file or list a folder: each folder above must let them through."""
    try:
        whole = path.resolve(strict=True)
        return bool(whole.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents
        )
    except OSError:
        return False
