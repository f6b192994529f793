"""An auditor who cosigns: his key in a folder of his own, his program the stand-alone verifier."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading, writing
from billing.frame.settings import Settings
from billing.proof.checkpoints import known_keys
from billing.proof.proving import witness_request
from billing.proof.verify_books import Key, Witness, new_witness_key
from billing.proof.witnesses import Cosigned, chosen_witness, take_in, witnesses_of

NAME = "cabinet.example.ma/2026"


def with_witness(settings: Settings, folder: Path, name: str = NAME) -> Settings:
    """The settings that name an auditor, whose key is made in the folder."""
    key = new_witness_key(str(folder / "witness.key"), name)
    return replace(settings, proof_witnesses=(*settings.proof_witnesses, key))


def asked(engine: Engine, settings: Settings, older: int | None = None) -> str:
    """What the auditor is asked to cosign."""
    with reading(engine) as connection:
        return witness_request(connection, chosen_witness(witnesses_of(settings), None), older)


def cosigned(engine: Engine, folder: Path, request: str, at: datetime) -> str:
    """What the auditor answers a request with."""
    with reading(engine) as connection:
        keys = [Key(str(key)) for key in known_keys(connection)]
    return Witness(str(folder / "witness.key")).cosign(request, keys, int(at.timestamp()))


def taken_in(engine: Engine, settings: Settings, note: str, at: datetime) -> list[Cosigned]:
    """What is recorded of the answer."""
    acting = on_behalf(engine, Act("amina", CLI, "proof accept-cosigned", "r-witness"), lambda: at)
    with writing(acting) as connection:
        return take_in(connection, witnesses_of(settings), note, at)
