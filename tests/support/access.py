"""Members who can sign in, and the keys of their tokens."""

import itertools
import secrets
import uuid
from datetime import date

from backend.access import families, sessions
from backend.access.domain import DeviceGiven, DevicePlatform, Issued
from backend.access.sessions import Grant
from backend.infra import db, sealing, tokens
from backend.members import seals

SIGNING_SEED = bytes(range(32))
SECRET = bytes(range(32, 64))

_numbers = itertools.count(1)


def configure_keys() -> None:
    """Keys of tokens and of sealed columns that are only good for tests."""
    sealing.configure(sealing.Sealer({"test": bytes(range(64, 96))}, "test", bytes(range(96, 128))))
    tokens.configure(
        tokens.KeyRing(
            signing={"test": SIGNING_SEED},
            current="test",
            secrets={"test": SECRET},
            secrets_current="test",
            issuer="https://club.test",
            audience="club",
        )
    )


async def new_member(*, locale: str = "fa") -> int:
    """A member of Fars; gives the id."""
    number = next(_numbers)
    national_code = f"{number:010d}"  # never checked by the tables
    sealer = sealing.current()
    index = seals.national_code_index(national_code, sealer)
    sealed = seals.seal_national_code(national_code, index=index, sealer=sealer)
    row = await db.fetch_one(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name,
                            last_name, name_sort_key, birth_date, pension_number, pension_kind,
                            province_code, phone, locale)
        VALUES ($1, $2, $3, 'مریم', 'رضایی', 'x', $4, $5, 'RETIREMENT', 'IR-07', $6, $7) RETURNING id
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        date(1955, 3, 21),
        f"P{number}",
        f"+989{number:09d}",
        locale,
    )
    assert row is not None
    member_id: int = row["id"]
    return member_id


async def signed_in(member_id: int, device_id: str = "device-1", name: str = "گوشی مریم") -> Issued:
    """A new session of a member."""
    device = DeviceGiven(id=device_id, name=name, platform=DevicePlatform.ANDROID)
    row = await db.fetch_one("SELECT phone FROM member WHERE id = $1", member_id)
    assert row is not None
    async with db.transaction():
        await sessions.hold_openings(member_id=member_id)
        return await sessions.open_session(
            member_id=member_id, device=device, grant=new_grant(row["phone"])
        )


def new_grant(phone: str) -> Grant:
    """What a right code gives."""
    return Grant(uuid.uuid4(), phone, secrets.token_bytes(families.SEED_BYTES))
