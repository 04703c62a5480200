"""Sealing members' numbers anew: by the current key, in steps, whatever else goes on."""

import pytest

from backend.core.errors import Forbidden
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.infra.sealing import Sealed
from backend.members import repository_seals, resealing, seals
from tests.support import member_workers

OLD, NEW, INDEX = bytes(range(32)), bytes(range(64, 96)), bytes(range(32, 64))
BOTH = sealing.Sealer({"1": OLD, "2": NEW}, "2", INDEX)
ONLY_NEW = sealing.Sealer({"2": NEW}, "2", INDEX)
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
