"""The command that serves the HTTP API."""

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.output import warn


@click.command("serve", cls=Command, epilog=example("technopark-billing serve --host 0.0.0.0 --port 8000 --workers 2"))
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes. Default: one a processor core.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def serve_command(host: str, port: int, workers: int | None) -> None:
    """Serve the HTTP API, until stopped.

    Its description is at /openapi.json, to be browsed at /docs; make a token with `token create`.
    """
    from billing.api.serve import serve
    from billing.frame.exposed_files import exposed_files
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings):
        pass
    for sentence in exposed_files(settings):
        warn(sentence)
    serve(settings, host=host, port=port, workers=workers)
