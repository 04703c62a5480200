"""People who sign in through the API: what their app sends, and the messages on their phone."""

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import orjson

from backend import composition
from backend.core.viewer import SYSTEM
from backend.infra import db, jobs, sealing
from backend.members import seals
from backend.organization import service as organization
from backend.settings import Settings
from tests.support import api as support
from tests.support.api import Api

CODE = re.compile("[0-9]{6}")
DEVICE_ID = "device-1"


@dataclass(frozen=True)
class Person:
    """Who holds a national code and a phone."""

    national_code: str
    phone: str


MARYAM = Person("0012345679", "+989121234567")  # a member in Fars, which is open
REZA = Person("2291234560", "+989121234568")  # a member in Tehran, which is not
STRANGER = Person("0076543218", "+989121234569")


async def set_up(database_url: str, data_dir: Path) -> None:
    """Two members, one open province, and text messages as lines of a file; after the API's keys are set."""
    composition.configure_sms(Settings(data_dir=data_dir))
    connection = await asyncpg.connect(database_url)
    await jobs.install(connection)
    await connection.close()
    await organization.open_provinces(viewer=SYSTEM, codes=["IR-07"])
    await enrol(MARYAM, province="IR-07")
    await enrol(REZA, province="IR-23")


async def enrol(person: Person, *, province: str) -> None:
    """Make somebody a member."""
    sealer = sealing.current()
    index = seals.national_code_index(person.national_code, sealer)
    sealed = seals.seal_national_code(person.national_code, index=index, sealer=sealer)
    await db.execute(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index,
                            first_name, last_name, name_sort_key, birth_date, pension_number,
                            pension_kind, province_code, phone)
        VALUES ($1, $2, $3, 'مریم', 'رضایی', 'x', $4, $5, 'RETIREMENT', $6, $7)
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        date(1955, 3, 21),
        f"P{person.phone[-4:]}",
        province,
        person.phone,
    )


def asking(person: Person, *, device_id: str = DEVICE_ID, **device: str) -> dict[str, object]:
    """The variables of SignInCodeRequest."""
    named = {"id": device_id, "name": "گوشی مریم", "platform": "ANDROID", **device}
    return {"input": {"nationalCode": person.national_code, "phone": person.phone, "device": named}}


async def call(
    api: Api, name: str, variables: dict[str, object], *, token: str | None = None, **headers: str
) -> dict[str, object]:
    """What an operation of the app answers, where it is no top-level error."""
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    answer = await api.ask(support.operation(name), variables, **headers)
    content = answer.json()
    assert "errors" not in content, content["errors"]
    (found,) = content["data"].values()
    assert isinstance(found, dict)
    return found


async def run_jobs() -> int:
    """Run what is queued, as a worker does; gives how many that were."""
    rows = await db.fetch("DELETE FROM pgqueuer RETURNING entrypoint, payload")
    for row in rows:
        await jobs.registered()[row["entrypoint"]].handler(orjson.loads(row["payload"]))
    return len(rows)


def messages(data_dir: Path) -> list[dict[str, str]]:
    """The text messages so far."""
    file = data_dir / composition.SMS_FILE
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def code_in(text: str) -> str:
    """The code of a message."""
    found = CODE.search(text)
    assert found is not None
    return found[0]


async def sent_code(api: Api, data_dir: Path, person: Person = MARYAM) -> tuple[object, str]:
    """Ask for a code, let the worker run, and read the message: the request's id and the code."""
    sent = await call(api, "SignInCodeRequest", asking(person))
    await run_jobs()
    return sent["requestId"], code_in(messages(data_dir)[-1]["text"])


async def confirm(
    api: Api, request_id: object, code: str, *, device_id: str = DEVICE_ID
) -> dict[str, object]:
    """What SignInCodeConfirm answers."""
    given = {"requestId": request_id, "code": code, "deviceId": device_id}
    return await call(api, "SignInCodeConfirm", {"input": given})


async def signed_in(api: Api, data_dir: Path) -> dict[str, object]:
    """A new session of Maryam's."""
    found = await confirm(api, *await sent_code(api, data_dir))
    assert found["__typename"] == "SignedIn"
    return found
