"""Every query on devices. A push token goes in sealed, and leaves for nobody yet."""

from datetime import datetime

import asyncpg

from backend.access.domain import (
    MAX_DEVICES,
    Device,
    DevicePlatform,
    DeviceRegistration,
    PushProvider,
)
from backend.core.locale import Locale
from backend.infra import db
from backend.infra.sealing import Sealed

_DEVICE = """
    id, member_id, device_id, name, platform, push_provider, app_version, locale, last_seen_at
"""
WITHOUT_PUSH = """
    push_provider = 'NONE', push_token_sealed = NULL, push_token_key_id = NULL, push_token_index = NULL
"""


async def save_device_seen(
    *, member_id: int, device_id: str, name: str, platform: DevicePlatform, at: datetime
) -> None:
    """Insert a device, or note its name and that it was seen."""
    await db.execute(
        """
        INSERT INTO device (member_id, device_id, name, platform, last_seen_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (member_id, device_id) DO UPDATE SET name = excluded.name,
               platform = excluded.platform, last_seen_at = excluded.last_seen_at
        """,
        member_id,
        device_id,
        name,
        platform,
        at,
    )


async def lock_push_token(index: bytes) -> None:
    """Let no other transaction register this push token until this one ends."""
    await db.execute(
        "SELECT pg_advisory_xact_lock($1)", int.from_bytes(index[:8], "big", signed=True)
    )


async def release_push_token(index: bytes) -> None:
    """Take a push token from whichever device has it: the phone has changed hands."""
    await db.execute(f"UPDATE device SET {WITHOUT_PUSH} WHERE push_token_index = $1", index)


async def save_device(
    registration: DeviceRegistration,
    *,
    member_id: int,
    push_token: Sealed | None,
    push_token_index: bytes | None,
    at: datetime,
) -> Device:
    """Insert or update a device of a member; the name that it signed in with stays."""
    row = await db.fetch_one(
        f"""
        INSERT INTO device (member_id, device_id, platform, push_provider, push_token_sealed,
                            push_token_key_id, push_token_index, app_version, locale, last_seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (member_id, device_id) DO UPDATE SET platform = excluded.platform,
               push_provider = excluded.push_provider, push_token_sealed = excluded.push_token_sealed,
               push_token_key_id = excluded.push_token_key_id,
               push_token_index = excluded.push_token_index, app_version = excluded.app_version,
               locale = excluded.locale, last_seen_at = excluded.last_seen_at
        RETURNING {_DEVICE}
        """,
        member_id,
        registration.device_id,
        registration.platform,
        registration.push_provider,
        None if push_token is None else push_token.ciphertext,
        None if push_token is None else push_token.key_id,
        push_token_index,
        registration.app_version,
        registration.locale,
        at,
    )
    assert row is not None  # noqa: S101 - an upsert gives its row
    return _device(row)


async def delete_crowded_devices(*, member_id: int) -> None:
    """Forget the devices of a member beyond MAX_DEVICES, those unseen for longest."""
    await db.execute(
        """
        DELETE FROM device WHERE id IN (
            SELECT id FROM device WHERE member_id = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $2)
        """,
        member_id,
        MAX_DEVICES,
    )


async def delete_device(*, member_id: int, device_id: str) -> bool:
    """Forget a device of a member; tells whether there was one."""
    tag = await db.execute(
        "DELETE FROM device WHERE member_id = $1 AND device_id = $2", member_id, device_id
    )
    return tag == "DELETE 1"


async def list_devices(*, member_id: int) -> tuple[Device, ...]:
    """The devices of a member, the one last seen first; at most MAX_DEVICES."""
    rows = await db.fetch(
        f"""
        SELECT {_DEVICE} FROM device WHERE member_id = $1
         ORDER BY last_seen_at DESC, id DESC LIMIT $2
        """,
        member_id,
        MAX_DEVICES,
    )
    return tuple(_device(row) for row in rows)


def _device(row: asyncpg.Record) -> Device:
    return Device(
        **{
            **dict(row),
            "platform": DevicePlatform(row["platform"]),
            "push_provider": PushProvider(row["push_provider"]),
            "locale": None if row["locale"] is None else Locale(row["locale"]),
        }
    )
