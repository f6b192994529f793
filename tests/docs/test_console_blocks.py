"""The console blocks of README.md and docs/ are run, in order, and print what the documents show.

The blocks of a document share one folder and one shell. What stands below a command is compared with all that it
prints, but for spaces and line ends, because documents fold long lines; `…` stands for anything. A command with nothing
below it only has to succeed; one whose output begins with the program's name has to be refused. `<!-- $ command -->` is
run and not shown. The program's clock shows 24 November 2026, 10:00 in Casablanca; that of the server, the real time.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```console" in path.read_text(encoding="utf-8")
]
NETWORK = ROOT / "billing" / "demo" / "network"
NOW = "2026-11-24T09:00:00+00:00"
BETWEEN = "\x1e"
WAIT_S = 300


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a document, where it stands, and what is printed below it."""

    place: str
    command: str
    shown: str


def steps_of(name: str) -> list[Step]:
    """Return the commands of a document's console blocks, in order."""
    steps: list[Step] = []
    in_block = False
    for number, text in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        line = text.removeprefix("  ")
        if hidden := re.fullmatch(r"<!-- \$ (.+) -->", line):
            steps.append(Step(f"{name}:{number}", hidden[1], ""))
        elif line.startswith("```"):
            in_block = line == "```console"
        elif in_block and line.startswith("$ "):
            steps.append(Step(f"{name}:{number}", line[2:], ""))
        elif in_block and not is_whole(steps[-1].command):
            steps[-1] = Step(steps[-1].place, f"{steps[-1].command}\n{line}", "")
        elif in_block:
            steps[-1] = Step(steps[-1].place, steps[-1].command, f"{steps[-1].shown}{line}\n")
    return steps


def is_whole(command: str) -> bool:
    """Return whether a command ends here: no quote or text up to END is open, no backslash stands at the end."""
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return "<<END" not in command or command.endswith("\nEND")


def agrees(shown: str, printed: str) -> bool:
    """Return whether the output is what the document shows, `…` standing for anything."""
    pattern = ".*".join(re.escape("".join(part.split())) for part in shown.split("…"))
    return re.fullmatch(pattern, "".join(printed.split())) is not None


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shell command that runs the program."""
    quick = Path(__file__).with_name("quick_program.py")
    address = tmp_path_factory.mktemp("quick") / "socket"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # A session of its own: what ends a document's shell and its children must not end this process.
    server = subprocess.Popen(
        [sys.executable, quick, address, "serve-at", NOW], env=environment, start_new_session=True
    )
    try:
        until = time.monotonic() + WAIT_S
        while not address.exists():
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield shlex.join([sys.executable, "-S", "-E", str(quick), str(address)])
        assert server.poll() is None, "the process that runs the commands has ended"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def folder(tmp_path: Path, program: str) -> Path:
    """A folder like a checkout: the sample network, and the program in `.venv/bin`."""
    (tmp_path / "billing" / "demo").mkdir(parents=True)
    shutil.copytree(NETWORK, tmp_path / "billing" / "demo" / "network")
    script = tmp_path / ".venv" / "bin" / "technopark-billing"
    script.parent.mkdir(parents=True)
    script.write_text(
        "#!/bin/sh\n"
        f'[ "$1" != serve ] || exec {sys.executable} -c "from billing.cli import main; main()" "$@"\n'
        f'exec {program} "$@"\n'
    )
    script.chmod(0o755)
    return tmp_path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("localhost", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def script_of(steps: list[Step], port: int) -> str:
    """Return a shell script that runs the steps and prints, behind each, a mark and its exit status."""
    lines = ["trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT", "set -o pipefail", "exec 2>&1"]
    wait_for_server = (
        f"curl --silent --output /dev/null --retry 100 --retry-delay 1 --retry-all-errors localhost:{port}/readyz"
    )
    for step in steps:
        command = re.sub(r"\b8000\b", str(port), step.command)
        if command.endswith("&"):
            command = f"{command.removesuffix('&')} >server.log 2>&1 &\n{wait_for_server}"
        lines += [command, f"printf '{BETWEEN}%s{BETWEEN}' $?"]
    return "\n".join(lines)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_console_blocks_say_what_the_program_says(name: str, folder: Path) -> None:
    steps = steps_of(name)
    environment = {
        **{key: os.environ[key] for key in ("LANG", "LC_ALL", "HOME") if key in os.environ},
        "PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OPERATOR_FILE": "billing/demo/network/operator.toml",
    }
    done = subprocess.run(
        ["bash", "-c", script_of(steps, free_port())],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    parts = done.stdout.split(BETWEEN)
    assert len(parts) == 2 * len(steps) + 1, done.stdout
    differences = [
        f"{step.place}: $ {step.command}\n{printed}status {status}"
        for step, printed, status in zip(steps, parts[::2], parts[1::2], strict=False)
        if (status == "0") is step.shown.startswith("technopark-billing: ") or not agrees(step.shown or "…", printed)
    ]
    assert not differences, "\n\n".join(differences)
