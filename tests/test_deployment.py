"""What is deployed: the image and the composition name only what exists, run unprivileged, and hold no secret."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement

from billing.cli.program import COMMANDS
from billing.frame.settings import load_settings

ROOT = Path(__file__).parent.parent
PACKAGES = ("billing", "invoices", "ledger", "pricing")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|API_?KEY|SMTP_URL")
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: keyword and argument, comments dropped, continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the image itself."""
    found = instructions()
    return found[max(i for i, (keyword, _) in enumerate(found) if keyword == "FROM") :]


def composition() -> dict[str, Any]:
    """The composition as it is written, its variables not filled in."""
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(content, dict)
    return content


def locked(name: str) -> dict[str, str]:
    """The versions a lock pins, by package; every line pinned and hashed."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]
    assert all(re.search(r"^[a-z0-9.-]+==\S+.* \\\n    --hash=sha256:", entry) for entry in entries), name
    return {entry.split("==")[0]: entry.split("==")[1].split()[0] for entry in entries}


def test_the_image_is_built_from_files_that_exist_and_are_let_in() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source.rstrip("/")
        for keyword, argument in instructions()
        if keyword == "COPY" and not argument.startswith("--from=")
        for source in argument.split()[:-1]
    ]
    assert set(PACKAGES) < set(copied)
    assert [source for source in copied if not (ROOT / source).exists() or source not in let_in] == []


def test_the_image_runs_without_privileges() -> None:
    stage = final_stage()
    assert [argument for keyword, argument in stage if keyword == "USER"] == ["10001:10001"]
    after = stage[[keyword for keyword, _ in stage].index("USER") :]
    assert "RUN" not in [keyword for keyword, _ in after]


def test_the_image_holds_the_locked_packages_and_nothing_unhashed() -> None:
    installs = [
        command
        for keyword, argument in instructions()
        if keyword == "RUN"
        for command in argument.split("&&")
        if "pip install" in command
    ]
    assert installs
    assert all("--require-hashes" in command or "--no-deps" in command for command in installs)


def test_the_image_tells_whether_it_is_well_and_starts_the_command() -> None:
    stage = dict(final_stage())
    assert "/healthz" in stage["HEALTHCHECK"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert json.loads(stage["ENTRYPOINT"]) == list(scripts)


def test_image_and_composition_give_commands_that_exist() -> None:
    services = composition()["services"]
    commands = [
        json.loads(dict(final_stage())["CMD"]),
        services["migrate"]["command"],
        services["scheduler"]["command"],
    ]
    assert [command[0] for command in commands] == ["serve", "migrate", "scheduler"]
    assert {command[0] for command in commands} <= set(COMMANDS)


def test_no_secret_stands_in_image_or_composition() -> None:
    assert not [
        argument for keyword, argument in instructions() if keyword in ("ENV", "ARG") and SECRET.search(argument)
    ]
    environments = [service.get("environment", {}) for service in composition()["services"].values()]
    secrets = [(k, v) for environment in environments for k, v in environment.items() if SECRET.search(k)]
    assert {"POSTGRES_PASSWORD", "PGPASSWORD", "SMTP_URL"} <= {name for name, _ in secrets}
    # Nothing but a variable, and the composition won't start without it.
    assert [name for name, value in secrets if not re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value)] == []
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_composition_waits_for_the_database_and_for_the_schema() -> None:
    services = composition()["services"]
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert services["db"]["healthcheck"]["test"]
    for name in ("api", "scheduler"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_the_services_settings_are_accepted_as_the_composition_gives_them() -> None:
    given = {"POSTGRES_PASSWORD": "p@ss/word", "SERVICE_PASSWORD": "p@ss:word"}
    given |= {"SMTP_URL": "smtp://user:secret@mail.example.ma:587"}
    given["OPERATOR_FILE"] = str(ROOT / "billing" / "demo" / "network" / "operator.toml")

    def fill_in(match: re.Match[str]) -> str:
        name, kind, text = match.groups()
        return text if kind == "-" and name not in given else given[name]

    for name in ("migrate", "api", "scheduler"):
        environment = composition()["services"][name]["environment"]
        filled = {key: VARIABLE.sub(fill_in, value) for key, value in environment.items()}
        assert filled["OPERATOR_FILE"] == "/etc/technopark-billing/operator.toml"
        settings = load_settings({**filled, "OPERATOR_FILE": given["OPERATOR_FILE"]})
        assert settings.database_url.host == "db"
        assert settings.mail.security == "starttls"
        # The schema's owner migrates, and nothing else runs as it.
        assert settings.database_url.username == ("billing" if name == "migrate" else "billing_service")
        assert settings.service_role == ("billing_service" if name == "migrate" else None)


@pytest.mark.parametrize("lock", ["build", "runtime", "dask", "parquet", "salesforce"])
def test_what_is_deployed_is_what_was_tested(lock: str) -> None:
    tested = locked("test")
    versions = locked(lock)
    assert versions
    assert {name: tested.get(name) for name in versions} == versions


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [Requirement(text) for text in project["project"]["dependencies"]]
    runtime = locked("runtime")
    assert [str(r) for r in asked if not r.specifier.contains(runtime.get(r.name, "0"))] == []
    for group in ("test", "static"):
        names = {Requirement(text).name for text in project["dependency-groups"][group]}
        assert names <= set(locked("test"))


def test_the_installed_package_holds_every_file_of_its_folders(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    files = {path.relative_to(source).as_posix() for package in PACKAGES for path in (source / package).rglob("*.*")}
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path, source], check=True)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert files - set(wheel.namelist()) == set()


def test_the_unit_keeps_the_service_from_all_it_does_not_need() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: scripts/install test installs it on Debian and Ubuntu")
    unit = ROOT / "docs" / "deploy" / "technopark-billing@.service"
    said = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True, check=False
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= 2.0
    # What the unit's head and the docs say.
    assert f"exposure of {exposure[1]}" in unit.read_text()


def test_no_service_of_the_composition_has_privileges_and_the_database_reaches_nothing() -> None:
    composed = composition()
    for name, service in composed["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] > 0, name
    assert composed["services"]["db"]["networks"] == ["within"]
    assert composed["networks"]["within"] == {"internal": True}
    assert [name for name, service in composed["services"].items() if service.get("read_only")] == [
        "migrate", "api", "scheduler",
    ]  # fmt: skip


def test_the_image_is_built_and_serves(tmp_path: Path) -> None:
    builder = next((name for name in ("docker", "podman") if _works(name)), None)
    if builder is None:
        pytest.skip("no docker or podman whose daemon answers is at hand: the image is built where there is one")
    base = next(argument for keyword, argument in instructions() if keyword == "FROM").split()[0]
    if subprocess.run([builder, "image", "inspect", base], capture_output=True, check=False).returncode:
        pytest.skip(f"{builder} has no image {base} here, and a test pulls none: {builder} pull {base}")
    image = "technopark-billing-test"
    subprocess.run([builder, "build", "--quiet", "--tag", image, ROOT], check=True, capture_output=True)
    size = [
        int(
            subprocess.run(
                [builder, "image", "inspect", "--format={{.Size}}", name], check=True, capture_output=True
            ).stdout
        )
        for name in (image, base)
    ]
    assert size[0] - size[1] <= 330_000_000
    run = [
        builder,
        "run",
        "--rm",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--env=DATABASE_URL=sqlite:////tmp/x",
    ]
    said = subprocess.run([*run, image, "migrate"], check=True, capture_output=True, text=True)
    assert "version" in said.stdout + said.stderr


def _works(builder: str) -> bool:
    return shutil.which(builder) is not None and not subprocess.run([builder, "info"], capture_output=True).returncode
