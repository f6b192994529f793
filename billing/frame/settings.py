"""The service's settings: read once from the environment at the edge, frozen, passed on."""

import os
import pwd
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from billing.frame.errors import BadConfiguration
from billing.frame.salesforce import Salesforce, load_salesforce
from billing.frame.terms import Terms, load_terms
from invoices.document import Party
from invoices.domains import in_ascii
from invoices.seal import Seal
from invoices.wording import PAPERS_IN

# Generous: what no person and no sound program reaches, and a runaway loop does.
RATE_LIMIT_TOKEN_DEFAULT, RATE_LIMIT_ADDRESS_DEFAULT = "30000/minute", "60000/minute"
DATABASE_URL_DEFAULT = "sqlite:///technopark-billing.sqlite"
DOCUMENTS_URL_DEFAULT = "file:documents"
SMTP_URL_DEFAULT = "file:outbox"
JOBS_FOLDER_DEFAULT = "jobs"


@dataclass(frozen=True, slots=True)
class MailTransport:
    """Mail goes to `folder` as `.eml` files, or to an SMTP server.

    `security` is `starttls` (required), `tls` (from the first byte), or `none`.
    """

    folder: Path | None = None
    host: str = ""
    port: int = 25
    security: str = "none"
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator bills: it is the seller as printed, with the terms it grants."""

    party: Party
    payment_terms_days: int
    is_demonstration: bool
    # The number of its declaration to the CNDP (loi 09-08), as mails say it; blank: none.
    cndp_number: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Http:
    """What the API is told of the world around it. A rate that is None limits nothing."""

    rate_by_token: Rate | None
    rate_by_address: Rate | None
    # The proxies whose word on the client's address and scheme is taken.
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    # The origins whose pages may ask, exactly as browsers name them.
    cors_origins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the program takes from its environment."""

    database_url: URL
    documents_url: str
    mail: MailTransport
    operator: Operator
    executor: str
    run_day: int
    run_hour: int
    log_format: str
    # The number of accounting months open at once, from the first closing on (law.md section 6).
    open_months_max: int
    terms: Terms
    # PostgreSQL: the role `migrate` gives the service's rights to.
    service_role: str | None
    # The key that signs checkpoints of the books, and the name of their log; who says at which time it was (RFC 3161).
    proof_key_file: Path | None
    proof_origin: str
    tsa_url: str | None
    tsa_ca_file: Path | None
    # The keys of witnesses who cosign checkpoints (NAME+ID+KEY).
    proof_witnesses: tuple[str, ...]
    # Where checkpoints are published: file:, https:, mailto:.
    proof_publish: tuple[str, ...]
    # The private networks that webhooks may go to, by http as well.
    webhook_networks: tuple[IPv4Network | IPv6Network, ...]
    # The domain of Message-IDs, so that a trial database has its own; blank: that of the operator's mail address.
    message_id_domain: str
    # How Salesforce is reached and which of its fields are ours; the folder that others drop files into (fsspec).
    salesforce: Salesforce | None
    sync_folder: str | None
    # Long requests: where their files lie, how many are done at once, and how many may wait or be under way.
    jobs_folder: Path
    jobs_processes: int
    jobs_max: int
    http: Http
    # Whether the e-invoice in UBL goes with the mail of a document.
    attaches_ubl: bool
    # What invoices and credit notes are sealed with, if they are.
    seal: Seal | None


def _database_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise BadConfiguration(
            "DATABASE_URL is not a database address: write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from None
    match url.get_backend_name():
        case "sqlite" if url.drivername in ("sqlite", "sqlite+pysqlite"):
            if not url.database or url.database == ":memory:":
                raise BadConfiguration("DATABASE_URL names no file: an SQLite database must be kept in one")
            return url
        case "postgresql" if url.drivername in ("postgresql", "postgresql+psycopg"):
            return url.set(drivername="postgresql+psycopg")
    raise BadConfiguration(f"DATABASE_URL: {url.drivername} is not supported; use sqlite or postgresql (psycopg 3)")


def _mail(text: str) -> MailTransport:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        raise BadConfiguration("SMTP_URL has a port that is no number from 1 to 65535") from None
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return MailTransport(folder=Path(unquote(parts.path)))
    if parts.scheme in ("smtp", "smtps") and parts.hostname and parts.path in ("", "/"):
        try:
            host = in_ascii(parts.hostname)
        except UnicodeError:
            raise BadConfiguration("SMTP_URL has a host that can't be written in ASCII (IDNA 2008)") from None
        if parts.query not in ("", "security=none", "security=starttls"):
            raise BadConfiguration("SMTP_URL: after ? only security=starttls or security=none is known")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if parts.scheme == "smtps":
            return MailTransport(None, host, port or 465, "tls", user, password)
        plain = parts.query == "security=none" or (not parts.query and not user and (port or 25) == 25)
        security = "none" if plain else "starttls"
        return MailTransport(None, host, port or (25 if plain else 587), security, user, password)
    raise BadConfiguration(
        "SMTP_URL is not understood: write smtp://USER:PASSWORD@HOST:587 (STARTTLS), smtps://USER:PASSWORD@HOST, "
        "smtp://HOST:25?security=none, or file:FOLDER to write .eml files"
    )


_OPERATOR_TEXTS = (
    "legal_name", "legal_form", "share_capital", "address", "city", "country", "ice", "tax_id", "trade_register",
    "business_tax", "social_security", "email", "phone", "bank", "rib",
)  # fmt: skip
_OPERATOR_REQUIRED = ("legal_name", "address", "city", "ice", "tax_id", "trade_register", "business_tax", "rib")


def load_operator(path: Path | None) -> Operator:
    """Return the operator of a TOML file; None means the made-up one of the demonstration."""
    name = "OPERATOR_FILE"
    try:
        if path is None:
            text = (files("billing") / "demo" / "network" / "operator.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise BadConfiguration(f"{name}: {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(f"{name}: {path} is not a TOML file in UTF-8: {error}") from None
    texts = (*_OPERATOR_TEXTS, "cndp_number", "logo", "letterhead")
    known = (*texts, "papers_in", "payment_terms_days")
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise BadConfiguration(f"{name}: unknown field {', '.join(unknown)}; known are {', '.join(known)}")
    for field in texts:
        if not isinstance(content.get(field, ""), str):
            raise BadConfiguration(f'{name}: {field} must be a text, written between quotes ("…")')
    missing = [field for field in _OPERATOR_REQUIRED if not content.get(field, "").strip()]
    if missing:
        raise BadConfiguration(f"{name}: {', '.join(missing)} must be given: invoices must bear it (law.md section 1)")
    terms = content.get("payment_terms_days", 60)
    if not isinstance(terms, int) or isinstance(terms, bool) or not 0 <= terms <= 180:
        raise BadConfiguration(f"{name}: payment_terms_days must be a whole number from 0 to 180")
    papers_in = content.get("papers_in", PAPERS_IN[0])
    if papers_in not in PAPERS_IN:
        raise BadConfiguration(f"{name}: papers_in must be one of {', '.join(PAPERS_IN)}")
    letterhead = content.get("letterhead", "").strip()
    if len(lines := letterhead.splitlines()) > 3 or any(len(line) > 90 for line in lines):
        raise BadConfiguration(f"{name}: letterhead must be at most 3 lines of 90 characters")
    party = Party(
        code="", language=papers_in, logo=_logo(path, content.get("logo", "")), letterhead=letterhead,
        **{field: content.get(field, "") for field in _OPERATOR_TEXTS},
    )  # fmt: skip
    return Operator(party, terms, is_demonstration=path is None, cndp_number=content.get("cndp_number", "").strip())


def _logo(operator_file: Path | None, file_name: str) -> str:
    """Read the logo, whose file lies beside that of the operator; blank: none."""
    if operator_file is None or not file_name:
        return ""
    from invoices.errors import BadLogo
    from invoices.logo import checked_logo

    try:
        return checked_logo((operator_file.parent / file_name).read_bytes())
    except OSError as error:
        raise BadConfiguration(f"OPERATOR_FILE: logo {file_name!r} cannot be read: {error.strerror}") from None
    except BadLogo as error:
        raise BadConfiguration(f"OPERATOR_FILE: logo {file_name!r}: {error}") from None


def _whole(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise BadConfiguration(f"{name} is {text!r}: it must be a whole number from {least} to {most}")
    return int(text)


_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?", re.ASCII)


def _public_url(environment: Mapping[str, str]) -> str:
    """Return the address that links of papers begin with; blank: papers bear none."""
    text = environment.get("PUBLIC_URL") or ""
    if text and (len(text) > 100 or _PUBLIC_URL.fullmatch(text) is None):
        raise BadConfiguration(
            f"PUBLIC_URL is {text!r}: write the address at which everybody reaches this service, as "
            "https://factures.parcs.example, in ASCII and at most 100 characters"
        )
    return text.rstrip("/")


def _proof_origin(environment: Mapping[str, str], operator: Operator) -> str:
    """Return the name of the log of the books: the operator's, unless it keeps several books."""
    usual = re.sub(r"[\s+]", "", operator.party.ice)
    name = environment.get("PROOF_ORIGIN") or f"technopark-billing/{usual}"
    if re.fullmatch(r"[^\s+]+", name) is None or not name.isprintable():
        raise BadConfiguration(f"PROOF_ORIGIN is {name!r}: write a name without spaces and +, as books.example.ma/1")
    return name


def _message_id_domain(environment: Mapping[str, str]) -> str:
    domain = environment.get("MESSAGE_ID_DOMAIN") or ""
    if domain and re.fullmatch(r"(?=.{1,200}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain) is None:
        raise BadConfiguration(f"MESSAGE_ID_DOMAIN is {domain!r}: write a domain of your own, as trial.parcs.example")
    return domain


def _attaches_ubl(environment: Mapping[str, str]) -> bool:
    chosen = environment.get("EINVOICE_ATTACHED") or "none"
    if chosen not in ("none", "ubl"):
        raise BadConfiguration(f"EINVOICE_ATTACHED is {chosen!r}: it must be none or ubl")
    return chosen == "ubl"


def _seal(environment: Mapping[str, str], tsa_url: str | None, tsa_ca_file: Path | None) -> Seal | None:
    """Return what papers are sealed with; whether it can be used is seen when the first one is."""
    key, certificate = environment.get("SEAL_KEY_FILE"), environment.get("SEAL_CERTIFICATE_FILE")
    if not key and not certificate:
        return None
    if not key or not certificate:
        raise BadConfiguration("SEAL_KEY_FILE and SEAL_CERTIFICATE_FILE go together: the key, and its certificate")
    authority = None if tsa_ca_file is None else str(tsa_ca_file.absolute())
    return Seal(str(Path(key).absolute()), str(Path(certificate).absolute()), tsa_url, authority)


def _tsa(environment: Mapping[str, str]) -> tuple[str | None, Path | None]:
    """Return the address to ask for timestamps, and the certificates (PEM) that its answers must lead to."""
    url, file = environment.get("TSA_URL") or None, environment.get("TSA_CA_FILE") or None
    if url is not None and urlsplit(url).scheme not in ("http", "https"):
        raise BadConfiguration(f"TSA_URL is {url!r}: write the address of an authority, http://… or https://…")
    if (url is None) != (file is None):
        raise BadConfiguration("TSA_URL and TSA_CA_FILE go together: whom to ask, and the certificates to trust")
    return url, None if file is None else Path(file)


def _publish(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return where checkpoints are published."""
    places = tuple((environment.get("PROOF_PUBLISH") or "").split())
    for place in places:
        if not _is_place(place):
            raise BadConfiguration(
                f"PROOF_PUBLISH: {place.partition('?')[0]!r} is no place to publish checkpoints: write "
                "file:/FOLDER/FILE, https://HOST/PATH or mailto:ADDRESS, several parted by blanks"
            )
    return places


def _is_place(text: str) -> bool:
    """Return whether a checkpoint can be published there; without TLS only on this host."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == "file":
        return not parts.netloc and parts.path.startswith("/")
    if parts.scheme == "mailto":
        return re.fullmatch(r"[^@\s]+@[^@\s]+", unquote(parts.path)) is not None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"))
    return is_safe and bool(host) and "@" not in parts.netloc


def _networks(environment: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    networks = []
    for text in (environment.get(name) or "").replace(",", " ").split():
        try:
            networks.append(ip_network(text))
        except ValueError:
            raise BadConfiguration(
                f"{name}: {text!r} is no network: write 10.20.0.0/16, 192.168.5.7 or fd00:20::/32"
            ) from None
    return tuple(networks)


def _require_storage(variable: str, url: str) -> None:
    from fsspec import available_protocols

    scheme = url.split(":", 1)[0] if ":" in url else "file"
    if scheme not in available_protocols():
        raise BadConfiguration(f"{variable}: {scheme} is not a kind of storage fsspec knows; use file:FOLDER, s3://…")


_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def _rate(environment: Mapping[str, str], name: str, default: str) -> Rate | None:
    text = environment.get(name) or default
    if text == "none":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour)", text, re.ASCII)
    if match is None:
        raise BadConfiguration(f"{name} is {text!r}: write a number of requests, as 600/minute or 50/second, or none")
    return Rate(int(match[1]), _SECONDS[match[2]])


def _origins(environment: Mapping[str, str]) -> frozenset[str]:
    origins = frozenset((environment.get("CORS_ORIGINS") or "").replace(",", " ").split())
    for origin in origins:
        if re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin, re.ASCII) is None:
            raise BadConfiguration(
                f"CORS_ORIGINS: {origin!r} is no origin: write https://console.parcs.example, exactly, without a path"
            )
    return origins


def _http(environment: Mapping[str, str]) -> Http:
    return Http(
        rate_by_token=_rate(environment, "RATE_LIMIT_TOKEN", RATE_LIMIT_TOKEN_DEFAULT),
        rate_by_address=_rate(environment, "RATE_LIMIT_ADDRESS", RATE_LIMIT_ADDRESS_DEFAULT),
        trusted_proxies=_networks(environment, "TRUSTED_PROXIES"),
        cors_origins=_origins(environment),
    )


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in the environment; raise BadConfiguration with a sentence naming the variable."""
    executor = environment.get("EXECUTOR") or "local"
    if executor != "local" and urlsplit(executor).scheme not in ("tcp", "tls"):
        raise BadConfiguration(
            f"EXECUTOR is {executor!r}: it must be local, or a Dask scheduler such as tcp://HOST:8786"
        )
    documents_url = environment.get("DOCUMENTS_URL") or DOCUMENTS_URL_DEFAULT
    _require_storage("DOCUMENTS_URL", documents_url)
    if environment.get("SYNC_FOLDER"):
        _require_storage("SYNC_FOLDER", environment["SYNC_FOLDER"])
    log_format = environment.get("LOG_FORMAT") or "json"
    if log_format not in ("json", "text"):
        raise BadConfiguration(f"LOG_FORMAT is {log_format!r}: it must be json or text")
    operator_file = environment.get("OPERATOR_FILE")
    operator = load_operator(Path(operator_file) if operator_file else None)
    operator = replace(operator, party=replace(operator.party, public_url=_public_url(environment)))
    tsa_url, tsa_ca_file = _tsa(environment)
    return Settings(
        database_url=_database_url(environment.get("DATABASE_URL") or DATABASE_URL_DEFAULT),
        documents_url=documents_url,
        mail=_mail(environment.get("SMTP_URL") or SMTP_URL_DEFAULT),
        operator=operator,
        executor=executor,
        run_day=_whole(environment, "RUN_DAY", 1, 1, 28),
        run_hour=_whole(environment, "RUN_HOUR", 6, 0, 23),
        log_format=log_format,
        open_months_max=_whole(environment, "OPEN_MONTHS_MAX", 2, 2, 24),
        terms=load_terms(Path(environment["TERMS_FILE"]) if environment.get("TERMS_FILE") else None),
        service_role=environment.get("SERVICE_ROLE") or None,
        proof_key_file=Path(environment["PROOF_KEY_FILE"]) if environment.get("PROOF_KEY_FILE") else None,
        proof_origin=_proof_origin(environment, operator),
        tsa_url=tsa_url,
        tsa_ca_file=tsa_ca_file,
        proof_witnesses=tuple((environment.get("PROOF_WITNESSES") or "").split()),
        proof_publish=_publish(environment),
        webhook_networks=_networks(environment, "WEBHOOK_NETWORKS"),
        message_id_domain=_message_id_domain(environment),
        salesforce=load_salesforce(Path(environment["SALESFORCE_FILE"]))
        if environment.get("SALESFORCE_FILE")
        else None,
        sync_folder=environment.get("SYNC_FOLDER") or None,
        jobs_folder=Path(environment.get("JOBS_FOLDER") or JOBS_FOLDER_DEFAULT).absolute(),
        jobs_processes=_whole(environment, "JOBS_PROCESSES", 2, 0, 64),
        jobs_max=_whole(environment, "JOBS_MAX", 64, 1, 10_000),
        http=_http(environment),
        attaches_ubl=_attaches_ubl(environment),
        seal=_seal(environment, tsa_url, tsa_ca_file),
    )


def settings_files(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return the files that settings name and that a backup keeps, by their names there: all but keys.

    A file is named by its variable; the logo keeps its name, by which the operator's file finds it beside itself.
    """
    names = ("OPERATOR_FILE", "TERMS_FILE", "TSA_CA_FILE", "SALESFORCE_FILE", "SEAL_CERTIFICATE_FILE")
    named = {name: Path(environment[name]) for name in names if environment.get(name)}
    files = {f"{name}{file.suffix}": file for name, file in named.items()}
    operator_file = named.get("OPERATOR_FILE")
    if operator_file is not None:
        logo = tomllib.loads(operator_file.read_text(encoding="utf-8")).get("logo")
        if logo:
            files[Path(logo).name] = operator_file.parent / logo
    return files


def operating_user(environment: Mapping[str, str] = os.environ) -> str:
    """Return the user of the operating system who runs this process, or who became root by `sudo`."""
    if os.getuid() == 0 and environment.get("SUDO_USER"):
        return environment["SUDO_USER"]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def billing_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the secret of the token by which commands are given; None: the variable is not set.

    A blank one is given: a secret that could not be read must not make somebody else act.
    """
    return environment.get("BILLING_TOKEN")
