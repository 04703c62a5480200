"""`bashgah operator`: the first two administrators, and what is sealed of them under another key."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.access import resealing, totp
from backend.access.staff import OperatorState
from backend.core.errors import Forbidden
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import PASSWORD

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"TOTP secret +([A-Z2-7]{32})")


def run(*arguments: str, url: str, typed: str = "") -> tuple[int, str]:
    """The exit code and all that was printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "backend.cli", "operator", *arguments],
        cwd=ROOT,
        env={**os.environ, "BASHGAH_DATABASE_URL": url, "BASHGAH_CACHE_URL": "", "COLUMNS": "300"},
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout


async def test_two_administrators_are_made_and_a_third_is_refused(
    database_url: str, db: None
) -> None:
    del db
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    made = [run("create", name, url=database_url, typed=typed) for name in ("first", "second")]
    third = run("create", "third", url=database_url, typed=typed)

    assert [code for code, _ in made] == [0, 0]
    for _, said in made:
        assert SECRET.search(said) is not None
        assert len(re.findall(r"recovery code +\S", said)) == 10
        assert PASSWORD not in said
    assert third[0] == 2
    assert "There are two administrators" in third[1]
    assert "Password" not in third[1]  # it refuses before it asks
    rows = await database.fetch(
        "SELECT user_name, state, roles, created_by FROM operator ORDER BY id"
    )
    assert [tuple(row.values()) for row in rows] == [
        (name, OperatorState.ACTIVE, [Role.ADMINISTRATOR], "system") for name in ("first", "second")
    ]


def test_a_weak_password_makes_nobody(database_url: str) -> None:
    code, said = run("create", "first", url=database_url, typed="short\nshort\n")

    assert code == 2
    assert "A password has 12 to 128 characters" in said


def test_the_code_of_a_secret_is_printed(database_url: str) -> None:
    code, said = run("code", url=database_url, typed=f"{totp.new_secret()}\n")
    wrong = run("code", url=database_url, typed="not a secret\n")

    assert code == 0
    assert re.search(r"\b[0-9]{6}\b", said) is not None
    assert wrong[0] == 2


async def test_what_is_sealed_of_operators_goes_to_the_current_key(db: None, cache: None) -> None:
    del db, cache
    configure_keys()
    sara = await support.new_operator(Role.SUPPORT)
    keys = {"test": bytes(range(64, 96)), "new": bytes(range(200, 232))}
    sealing.configure(sealing.Sealer(keys, "new", bytes(range(96, 128))))

    assert await resealing.renew_seals(viewer=SYSTEM) == 1
    assert await resealing.renew_seals(viewer=SYSTEM) == 0

    sealing.configure(sealing.Sealer({"new": keys["new"]}, "new", bytes(range(96, 128))))
    await support.sign_in(sara)
    with pytest.raises(Forbidden):
        await resealing.renew_seals(viewer=Viewer(ActorKind.OPERATOR, "operator:1"))
