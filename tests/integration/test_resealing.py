"""Sealing anew what lies sealed: by the current key, in steps, whatever else goes on."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from backend.access import resealing as access_seals
from backend.approvals import executing, reading, service
from backend.approvals import resealing as approval_seals
from backend.approvals.domain import ApprovalState
from backend.core.errors import Forbidden
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import resealing as column_resealing
from backend.infra import sealing
from backend.infra.resealing import Renewed
from backend.infra.sealing import Sealed
from backend.members import repository_seals, resealing, seals
from backend.stores import resealing as store_seals
from backend.stores import settlement_seals
from backend.stores.domain import Settlement, SettlementMode
from tests.support import approval_worker, member_workers, places
from tests.support.approval_worker import operator
from tests.support.places import draft

OLD, NEW, INDEX = bytes(range(32)), bytes(range(64, 96)), bytes(range(32, 64))
BOTH = sealing.Sealer({"1": OLD, "2": NEW}, "2", INDEX)
ONLY_NEW = sealing.Sealer({"2": NEW}, "2", INDEX)
ONLY_OLD = sealing.Sealer({"1": OLD}, "1", INDEX)
IBAN = "IR130130000000000123456789"
CODES = ("0012345679", "2291234560", "0076543218")


@pytest.fixture(autouse=True)
async def ready(db: None) -> None:
    """Three members sealed by key 1, the second without an IBAN; then key 2 is the current one."""
    member_workers.prepare()
    for number, code in enumerate(CODES):
        await _insert(number, code, None if number == 1 else IBAN)
    sealing.configure(BOTH)


async def _insert(number: int, code: str, iban: str | None) -> None:
    sealer = sealing.current()
    index = seals.national_code_index(code, sealer)
    sealed = seals.seal_national_code(code, index=index, sealer=sealer)
    account = None if iban is None else seals.seal_iban(iban, index=index, sealer=sealer)
    await database.execute(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                            name_sort_key, birth_date, pension_number, pension_kind, province_code, iban_sealed,
                            iban_key_id, iban_index)
        VALUES ($1, $2, $3, 'مریم', 'رضایی', 'x', '1955-03-21', $4, 'RETIREMENT', 'IR-07', $5, $6, $7)
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        f"1000000{number}",
        account and account.ciphertext,
        account and account.key_id,
        iban and seals.iban_index(iban, sealer),
    )


async def opened(sealer: sealing.Sealer) -> list[tuple[str, str | None]]:
    """What one key alone can read."""
    found = []
    for row in await database.fetch("SELECT * FROM member ORDER BY id"):
        index = row["national_code_index"]
        code = Sealed(row["national_code_sealed"], row["national_code_key_id"])
        iban = None
        if row["iban_sealed"] is not None:
            sealed = Sealed(row["iban_sealed"], row["iban_key_id"])
            iban = seals.open_iban(sealed, index=index, sealer=sealer)
        found.append((seals.open_national_code(code, index=index, sealer=sealer), iban))
    return found


async def unsealed_columns() -> list[object]:
    return [
        row["rest"]
        for row in await database.fetch(
            "SELECT to_jsonb(m) - '{national_code_sealed,national_code_key_id,iban_sealed,iban_key_id}'::text[] AS rest"
            " FROM member m ORDER BY id"
        )
    ]


@pytest.mark.parametrize("at_once", [1, 2, 3, 5_000])
async def test_afterwards_the_former_key_can_go(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "MEMBERS_AT_ONCE", at_once)
    before = await unsealed_columns()
    told: list[int] = []

    outcome = await resealing.renew_seals(viewer=SYSTEM, progress=told.append)
    again = await resealing.renew_seals(viewer=SYSTEM, progress=lambda _: None)

    assert outcome == resealing.RenewOutcome(renewed=3, broken=0)
    assert again == resealing.RenewOutcome(renewed=0, broken=0)
    assert told[-1] == 3
    assert await opened(ONLY_NEW) == [(CODES[0], IBAN), (CODES[1], None), (CODES[2], IBAN)]
    assert await unsealed_columns() == before


async def test_what_was_interrupted_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "MEMBERS_AT_ONCE", 1)
    save = repository_seals.save
    saved: list[int] = []

    async def fail_the_second_time(renewed: list[repository_seals.SealedNumbers]) -> None:
        await save(renewed)
        saved.append(len(renewed))
        if len(saved) == 2:
            raise ConnectionError

    monkeypatch.setattr(repository_seals, "save", fail_the_second_time)
    with pytest.raises(ConnectionError):
        await resealing.renew_seals(viewer=SYSTEM, progress=lambda _: None)
    monkeypatch.setattr(repository_seals, "save", save)

    outcome = await resealing.renew_seals(viewer=SYSTEM, progress=lambda _: None)

    assert outcome.renewed == 2
    assert len(await opened(ONLY_NEW)) == 3


async def test_what_does_not_open_is_left_and_counted() -> None:
    await database.execute(
        "UPDATE member SET iban_key_id = 'gone' WHERE pension_number = '10000000'"
    )
    [before] = await database.fetch("SELECT * FROM member WHERE pension_number = '10000000'")

    outcome = await resealing.renew_seals(viewer=SYSTEM, progress=lambda _: None)

    assert outcome == resealing.RenewOutcome(renewed=2, broken=1)
    assert await database.fetch("SELECT * FROM member WHERE pension_number = '10000000'") == [
        before
    ]


async def test_not_everybody_renews_seals() -> None:
    with pytest.raises(Forbidden):
        await resealing.renew_seals(
            viewer=Viewer(ActorKind.OPERATOR, "clerk"), progress=lambda _: None
        )
    assert len(await opened(BOTH)) == 3


async def ask_for_paint(database_url: str, *object_ids: str) -> list[int]:
    """Approvals whose payload key 1 has sealed."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(approval_worker.TABLES)
    await connection.close()
    service.set_still_may(approval_worker.still_may)
    sealing.configure(ONLY_OLD)
    asked = [await approval_worker.ask(operator(1), object_id=each) for each in object_ids]
    return [each.id for each in asked]


@pytest.mark.parametrize("at_once", [1, 2, 500])
async def test_what_waits_for_a_second_person_outlives_its_key(
    database_url: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_resealing, "ROWS_AT_ONCE", at_once)
    waiting, granted, closed = await ask_for_paint(database_url, "1", "2", "3")
    await service.grant(viewer=operator(2), approval_id=granted)
    await service.withdraw(viewer=operator(1), approval_id=closed)
    sealing.configure(BOTH)

    assert await approval_seals.renew_seals(viewer=SYSTEM) == Renewed(renewed=2)
    assert await approval_seals.renew_seals(viewer=SYSTEM) == Renewed()

    sealing.configure(ONLY_NEW)
    await service.grant(viewer=operator(2), approval_id=waiting)
    for approval_id in (waiting, granted):
        await executing.execute(approval_id)
        found = await reading.find_approval(viewer=SYSTEM, approval_id=approval_id)
        assert found is not None
        assert found.state is ApprovalState.EXECUTED
    things = await database.fetch("SELECT colour FROM thing ORDER BY id")
    assert [row["colour"] for row in things] == ["green", "green", "red"]


async def test_a_payload_that_was_moved_is_not_sealed_anew(database_url: str) -> None:
    first, second = await ask_for_paint(database_url, "1", "2")
    await database.execute(
        "UPDATE approval a SET payload_sealed = b.payload_sealed FROM approval b WHERE a.id = $1 AND b.id = $2",
        first,
        second,
    )
    sealing.configure(BOTH)

    assert await approval_seals.renew_seals(viewer=SYSTEM) == Renewed(renewed=1, broken=1)

    rows = await database.fetch("SELECT id, payload_key_id FROM approval ORDER BY id")
    assert [tuple(row) for row in rows] == [(first, "1"), (second, "2")]


async def test_settlements_of_stores_outlive_their_key() -> None:
    sealing.configure(ONLY_OLD)
    kept = {
        "A": Settlement(IBAN, "C-1", SettlementMode.AT_ONCE),
        "B": Settlement(IBAN, None, SettlementMode.AS_COLLECTED),
    }
    await places.save(*(draft(code, settlement=each) for code, each in kept.items()))
    sealing.configure(BOTH)

    assert await store_seals.renew_seals(viewer=SYSTEM) == Renewed(renewed=3)

    sealing.configure(ONLY_NEW)
    rows = await database.fetch(
        "SELECT s.code, t.* FROM store_settlement t JOIN store s ON s.id = t.store_id"
    )
    assert {
        row["code"]: settlement_seals.unseal(
            row["code"],
            iban=Sealed(row["iban_sealed"], row["iban_key_id"]),
            contract_number=None
            if row["contract_sealed"] is None
            else Sealed(row["contract_sealed"], row["contract_key_id"]),
            mode=SettlementMode(row["mode"]),
        )
        for row in rows
    } == kept


async def test_push_tokens_outlive_their_key() -> None:
    sealed = ONLY_OLD.seal("token-1", context="device.push_token")
    await database.execute(
        """
        INSERT INTO device (member_id, device_id, platform, push_provider, push_token_sealed, push_token_key_id,
                            push_token_index, app_version, locale, last_seen_at)
        SELECT min(id), 'device-0000000001', 'ANDROID', 'FCM', $1, $2, $3, '1.0', 'fa', now() FROM member
        """,
        sealed.ciphertext,
        sealed.key_id,
        ONLY_OLD.blind_index("token-1", context="device.push_token"),
    )

    assert await access_seals.renew_push_tokens(viewer=SYSTEM) == Renewed(renewed=1)

    (row,) = await database.fetch("SELECT push_token_sealed, push_token_key_id FROM device")
    assert ONLY_NEW.unseal(Sealed(*row), context="device.push_token") == "token-1"


@pytest.mark.parametrize(
    "renew",
    [approval_seals.renew_seals, store_seals.renew_seals, access_seals.renew_push_tokens],
)
async def test_not_everybody_renews_what_others_have_sealed(
    renew: Callable[..., Awaitable[Renewed]],
) -> None:
    with pytest.raises(Forbidden):
        await renew(viewer=Viewer(ActorKind.OPERATOR, "clerk"))
