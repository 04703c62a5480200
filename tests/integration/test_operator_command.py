"""`bashgah operator`: the first two administrators, and what is sealed of them under another key."""

import asyncio
import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from backend import doctor
from backend.access import acting_operators, operator_phones, repository_operators, resealing, totp
from backend.access.staff import OperatorState
from backend.core.errors import Forbidden
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.settings import Settings
from tests.support import operators as people
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import PASSWORD

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"TOTP secret +([A-Z2-7]{32})")


PERSONS = {
    "first": ("0012345679", "09121234567"),
    "second": ("2291234560", "09121234568"),
    "third": ("0076543218", "09121234569"),
}
TYPED = f"{PASSWORD}\n{PASSWORD}\n"


def run(*arguments: str, url: str, typed: str = "", **environment: str) -> tuple[int, str]:
    """The exit code and all that was printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "backend.cli", "operator", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "BASHGAH_DATABASE_URL": url,
            "BASHGAH_CACHE_URL": "",
            "COLUMNS": "300",
            **environment,
        },
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout


def create(name: str, *, url: str, typed: str = TYPED, **environment: str) -> tuple[int, str]:
    """What `bashgah operator create` says where nothing is asked for but the password."""
    code, mobile = PERSONS[name]
    arguments = ("create", name, "--national-code", code, "--mobile", mobile)
    return run(*arguments, url=url, typed=typed, **environment)


def at_a_terminal(*arguments: str, url: str, answers: list[tuple[str, str]], cwd: Path) -> str:
    """All that a terminal shows; each answer is typed once its question stands there.

    The question's last blank is waited for: before it, what is typed of a password would be forgotten.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "operator", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "BASHGAH_DATABASE_URL": url,
            "BASHGAH_CACHE_URL": "",
            "BASHGAH_DATA_DIR": str(cwd),
            "COLUMNS": "300",
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,  # else a password is asked for at the terminal of who runs the tests
    )
    os.close(theirs)
    overdue = threading.Timer(90, process.kill)
    overdue.start()
    shown, seen = "", 0
    with suppress(OSError):  # EIO: the other end is closed
        while part := os.read(ours, 4_096):
            shown += part.decode(errors="replace")
            if answers and answers[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
    overdue.cancel()
    os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown


async def test_two_administrators_are_made_and_a_third_is_refused(
    database_url: str, db: None
) -> None:
    del db
    made = [create(name, url=database_url) for name in ("first", "second")]
    third = create("third", url=database_url)

    assert [code for code, _ in made] == [0, 0]
    for _, said in made:
        assert SECRET.search(said) is not None
        assert len(re.findall(r"recovery code +\S", said)) == 10
        assert PASSWORD not in said
        assert not [each for pair in PERSONS.values() for each in pair if each in said]
    assert third[0] == 2
    assert "There are two administrators" in third[1]
    assert "Password" not in third[1]  # it refuses before it asks
    rows = await database.fetch(
        "SELECT user_name, state, roles, created_by FROM operator ORDER BY id"
    )
    assert [tuple(row.values()) for row in rows] == [
        (name, OperatorState.ACTIVE, [Role.ADMINISTRATOR], "system") for name in ("first", "second")
    ]


async def test_an_administrator_is_stranger_to_no_own_file_and_gets_messages(
    database_url: str, db: None
) -> None:
    del db
    development = Settings()  # the keys of the process that makes the account
    sealing.configure(development.sealer())
    code, mobile = PERSONS["first"]
    member_id = await people.member("مریم", "رضایی", national_code=code)

    assert create("first", url=database_url)[0] == 0

    row = await database.fetch_one("SELECT id FROM operator")
    assert row is not None
    viewer = await acting_operators.find_viewer(f"operator:{row['id']}")
    assert viewer is not None
    assert viewer.own_member_id == member_id
    phones = await repository_operators.list_phones({Role.ADMINISTRATOR})
    assert [operator_phones.unseal(*each) for each in phones] == [f"+98{mobile[1:]}"]


async def test_at_a_terminal_what_is_missing_is_asked_for(
    database_url: str, db: None, tmp_path: Path
) -> None:
    del db
    shown = await asyncio.to_thread(
        at_a_terminal,
        *("create", "first", "--name", "مریم"),
        url=database_url,
        cwd=tmp_path,
        answers=[
            ("National code: ", "۰۰۱۲۳۴۵۶۷۹"),
            ("Mobile: ", "+98 912 123 4567"),
            ("more): ", PASSWORD),
            ("confirmation: ", PASSWORD),
        ],
    )

    assert SECRET.search(shown) is not None
    assert PASSWORD not in shown
    rows = await database.fetch("SELECT user_name, name, state FROM operator")
    assert [tuple(row) for row in rows] == [("first", "مریم", OperatorState.ACTIVE)]


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        ((), TYPED, "National code is missing: give --national-code"),
        (("--national-code", "0012345679"), TYPED, "Mobile is missing: give --mobile"),
        (
            ("--national-code", "0012345670", "--mobile", "09121234567"),
            TYPED,
            "The national code is not valid",
        ),
        (
            ("--national-code", "0012345679", "--mobile", "02112345678"),
            TYPED,
            "The mobile number is not valid",
        ),
        (
            ("--national-code", "0012345679", "--mobile", "09121234567"),
            "short\nshort\n",
            "A password has 12 to 128 characters",
        ),
    ],
)
async def test_what_is_missing_or_not_valid_makes_nobody(
    database_url: str, db: None, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    del db

    code, shown = run("create", "first", *arguments, url=database_url, typed=typed)

    assert code == 2
    assert said in shown
    assert await database.fetch("SELECT FROM operator") == []


async def test_where_the_mobile_operator_is_away_nobody_is_made(
    database_url: str, db: None
) -> None:
    del db

    code, said = create(
        "first",
        url=database_url,
        BASHGAH_OWNER_CHECK_URL="http://127.0.0.1:9/{phone}/{national_code}",
        BASHGAH_SMS_ATTEMPTS="1",
    )

    assert code == 2
    assert "It can't be told now in whose name the number is" in said
    assert "Password" not in said
    assert await database.fetch("SELECT FROM operator") == []


async def test_one_person_is_no_two_administrators(database_url: str, db: None) -> None:
    del db
    code, mobile = PERSONS["first"]
    assert create("first", url=database_url)[0] == 0

    ended, said = run(
        *("create", "other", "--national-code", code, "--mobile", mobile),
        url=database_url,
        typed=TYPED,
    )

    assert ended == 2
    assert "was given to an account already" in said
    assert len(await database.fetch("SELECT FROM operator")) == 1


async def test_the_doctor_names_accounts_without_national_code_or_mobile(
    database_url: str, db: None, cache: None
) -> None:
    del db, cache
    configure_keys()
    for missing in ("nothing", "phone", "national_code"):
        await support.new_operator(
            Role.ADMINISTRATOR,
            user_name=missing.replace("_", "-"),
            phone="+989121234567",
            national_code=None if missing == "national_code" else missing,
        )
    await database.execute(
        "UPDATE operator SET phone_sealed = NULL, phone_key_id = NULL WHERE user_name = 'phone'"
    )

    assert "without national code or mobile: phone, national-code" in await examined(database_url)
    await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE user_name <> 'nothing'")
    assert "each has a national code and a mobile" in await examined(database_url)


async def examined(database_url: str) -> str:
    """What the doctor says, on one line an item."""
    console = Console(file=StringIO(), width=400)
    await doctor.examine(Settings(database_url=database_url), console)
    return cast("StringIO", console.file).getvalue()


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
