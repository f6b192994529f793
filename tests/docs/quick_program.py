"""`technopark-billing` for tests that run it often: one process has loaded it, and forks for each command.

`python quick_program.py SOCKET serve-at INSTANT` is that process; its clock always shows INSTANT.
`python quick_program.py SOCKET ARGUMENT…` runs one command there, with the caller's folder, environment and streams.
"""

import json
import os
import signal
import socket
import sys

_MESSAGE_BYTES_MAX = 1 << 20
_STREAMS = (0, 1, 2)


def _serve(address: str, instant: str) -> None:
    from datetime import datetime
    from importlib import import_module
    from pkgutil import walk_packages

    import billing
    from billing.frame.terminal import command

    command.clock = lambda: datetime.fromisoformat(instant)
    for module in walk_packages(billing.__path__, "billing."):
        if ".migrations." not in module.name:
            import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                _run(connection)
            connection.close()


def _run(connection: socket.socket) -> None:
    """Run the command that `_ask` sends, in this process, and answer with its exit status."""
    from billing.cli import main

    message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES_MAX, len(_STREAMS))
    for stream, descriptor in zip(_STREAMS, descriptors, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    folder, environment, arguments = json.loads(message)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    status = 1
    try:
        main(arguments, prog_name="technopark-billing")
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdout.flush()
        connection.sendall(bytes([status]))
        os._exit(status)


def _ask(address: str, arguments: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        message = json.dumps([os.getcwd(), dict(os.environ), arguments]).encode()
        socket.send_fds(connection, [message], _STREAMS)
        answer = connection.recv(1)
    return answer[0] if answer else 1


if __name__ == "__main__":
    if sys.argv[2] == "serve-at":
        _serve(sys.argv[1], sys.argv[3])
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:]))
