"""What a file of stores may not do: reach beyond a scope, change how a store is paid, take a mobile away unheard."""

import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.core import clock
from backend.core.errors import DomainError, Forbidden, Unauthenticated
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, SYSTEM, Scope, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.stores import (
    draft_file,
    exporting,
    importing,
    mobiles,
    repository_drafts,
    repository_managing,
    saving,
)
from backend.stores.domain import Settlement, SettlementMode, StoreDraft, StoreState
from backend.stores.draft_columns import HEADER
from backend.stores.draft_problems import IbanNeedsApproval, StoreCodeUnusable
from backend.stores.importing import ImportOutcome, StoreImportStopped, import_stores
from tests.support import operators, places
from tests.support.operators import operator
from tests.support.places import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FARS = Scope(province_codes=frozenset({"IR-07"}))
SHIRAZ = GeoPoint(29.6205, 52.5311)
SETTLED = Settlement("IR130130000000000123456789", "ق-۱۲", SettlementMode.AT_ONCE)
OTHER = "IR830130000000000123456790"
TABLES = ("store", "store_settlement", "store_opening_period", "store_offer", "pgqueuer")


@pytest.fixture(autouse=True)
async def scene(db: None) -> AsyncIterator[None]:
    del db
    sealing.configure(sealing.Sealer({"1": bytes(range(32))}, "1", bytes(range(32, 64))))
    await places.save_categories()
    with clock.frozen(NOW):
        yield


def manager(scope: Scope = operators.NATION) -> Viewer:
    return operator(1, Role.STORE_MANAGER, scope=scope)


def fars(code: str, **more: object) -> StoreDraft:
    return replace(draft(code, province_code="IR-07", at=SHIRAZ), **more)  # type: ignore[arg-type] # of any field


def file_of(path: Path, *drafts: StoreDraft) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *map(draft_file.format_row, drafts)])
    return path


async def bring(
    folder: Path, viewer: Viewer, *drafts: StoreDraft, dry_run: bool = False
) -> ImportOutcome:
    return await import_stores(
        viewer=viewer, path=file_of(folder / "stores.csv", *drafts), dry_run=dry_run
    )


def figures(outcome: ImportOutcome) -> tuple[int, int, int, int, int]:
    """Created, changed, unchanged, invalid, warnings."""
    return (
        outcome.created,
        outcome.changed,
        outcome.unchanged,
        outcome.invalid,
        outcome.warnings,
    )


def report(outcome: ImportOutcome) -> list[tuple[str, ...]]:
    """Row, code, column and error code of each line but the first and the last."""
    with outcome.report_path.open(encoding="utf-8-sig", newline="") as file:
        return [tuple(line[:4]) for line in list(csv.reader(file))[1:-1]]


async def stored(code: str) -> StoreDraft:
    return (await repository_drafts.list_drafts([code], with_settlement=True))[code].draft


async def everything() -> list[str]:
    """All that an import may write or send."""
    rows: list[str] = []
    for table in TABLES:
        rows += [row["t"] for row in await database.fetch(f"SELECT t::text FROM {table} t")]
    return sorted(rows)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def told() -> list[str]:
    """The numbers that are to be told of their removal."""
    rows = await database.fetch(
        "SELECT convert_from(payload, 'utf8')::json ->> 'number' AS number FROM pgqueuer"
        " WHERE entrypoint = $1 ORDER BY id",
        mobiles.TELL_JOB,
    )
    return [row["number"] for row in rows]


async def test_a_province_outside_the_scope_is_an_unknown_one(tmp_path: Path) -> None:
    outcome = await bring(tmp_path, manager(FARS), draft("TEHRAN"), fars("FARS"))

    assert figures(outcome) == (1, 0, 0, 1, 0)
    assert report(outcome) == [("2", "TEHRAN", "province", "PROVINCE_UNKNOWN")]
    assert [row["code"] for row in await database.fetch("SELECT code FROM store")] == ["FARS"]


@pytest.mark.parametrize("scope", [FARS, Scope(), Scope(association_id=1)], ids=str)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_store_outside_the_scope_is_neither_changed_nor_shown(
    tmp_path: Path, scope: Scope, dry_run: bool
) -> None:
    await places.save(draft("TEHRAN", name="پوشاک حافظ", settlement=SETTLED))
    before = await everything()

    moved = fars("TEHRAN", name="به فارس", settlement=SETTLED)
    outcome = await bring(tmp_path, manager(scope), moved, dry_run=dry_run)

    assert figures(outcome) == (0, 0, 0, 1, 0)
    assert await everything() == before
    problem = "STORE_CODE_UNUSABLE" if scope == FARS else "PROVINCE_UNKNOWN"
    assert [line[3] for line in report(outcome)] == [problem]
    shown = outcome.report_path.read_text(encoding="utf-8")
    assert "حافظ" not in shown
    assert "IR-23" not in shown


async def test_what_is_said_of_such_a_code_does_not_say_why() -> None:
    assert StoreCodeUnusable().message(Locale.FA) == "این کد را نمی‌توان به کار برد."


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTLED, iban=OTHER),
        replace(SETTLED, contract_number=None),
        replace(SETTLED, mode=SettlementMode.AS_COLLECTED),
    ],
    ids=["iban", "contract number", "mode"],
)
@pytest.mark.parametrize("viewer", [SYSTEM, operator(1, Role.STORE_MANAGER)], ids=["cli", "api"])
async def test_no_file_changes_how_a_store_is_paid(
    tmp_path: Path, viewer: Viewer, other: Settlement
) -> None:
    await places.save(draft("A", settlement=SETTLED))
    sealed = await database.fetch("SELECT * FROM store_settlement")
    row = draft("A", name="نام تازه", settlement=other)

    dry = await bring(tmp_path, viewer, row, dry_run=True)
    outcome = await bring(tmp_path, viewer, row)

    assert figures(outcome) == figures(dry) == (0, 1, 0, 0, 1)
    assert report(outcome) == [("2", "A", "settlement_iban", "IBAN_NEEDS_APPROVAL")]
    assert await database.fetch("SELECT * FROM store_settlement") == sealed
    assert await stored("A") == draft("A", name="نام تازه", settlement=SETTLED, offers=())
    assert other.iban not in outcome.report_path.read_text(encoding="utf-8")
    assert "storeIbanChange" in IbanNeedsApproval().hint(Locale.FA)
    assert figures(await bring(tmp_path, viewer, row)) == (0, 0, 1, 0, 1)


async def test_a_first_settlement_comes_by_the_command_line_alone(tmp_path: Path) -> None:
    await places.save(draft("OLD"))
    rows = draft("OLD", settlement=SETTLED), draft("NEW", settlement=replace(SETTLED, iban=OTHER))

    by_operator = await bring(tmp_path, manager(), *rows)

    assert figures(by_operator) == (1, 0, 1, 0, 2)
    assert await database.fetch("SELECT FROM store_settlement") == []
    assert figures(await bring(tmp_path, manager(), *rows)) == (0, 0, 2, 0, 2)
    by_command = await bring(tmp_path, SYSTEM, *rows)
    assert figures(by_command) == (0, 2, 0, 0, 0)
    assert [(await stored(each.code)).settlement for each in rows] == [
        each.settlement for each in rows
    ]


async def test_an_export_comes_back_unchanged_for_an_operator_too(tmp_path: Path) -> None:
    await places.save(
        fars("A", settlement=SETTLED), fars("B"), fars("C", state=StoreState.SUSPENDED)
    )
    before = await everything()
    path = tmp_path / "out.csv"
    await exporting.export_stores(viewer=SYSTEM, path=path, with_settlement=True)

    for viewer in (manager(FARS), SYSTEM):
        outcome = await import_stores(viewer=viewer, path=path, dry_run=False)
        assert figures(outcome) == (0, 0, 3, 0, 0)

    assert await everything() == before


async def test_a_mobile_that_a_file_takes_away_is_told_and_starts_the_settling_time(
    tmp_path: Path,
) -> None:
    ids = await places.save(
        draft("A", name="پوشاک حافظ", phones=("+982166001122", "+989121234567", "+989121234568")),
        draft("B", phones=("+989121234569",)),
    )
    rows = (
        draft("A", name="نام تازه", phones=("+982166001133", "+989121234568", "+989120000000")),
        draft("B", name="نام تازه", phones=("+989121234569",)),
    )
    await bring(tmp_path, manager(), *rows, dry_run=True)
    assert await told() == []

    await bring(tmp_path, manager(), *rows)

    (job,) = await database.fetch(
        "SELECT convert_from(payload, 'utf8')::json AS told FROM pgqueuer"
    )
    assert job["told"] == (
        '{"number":"+989121234567","name":"پوشاک حافظ","message_id":'
        f'"store-{ids["A"]}-2-removed-0"}}'
    )
    assert await repository_managing.find_mobiles_changed_at(ids["A"]) == NOW
    assert await repository_managing.find_mobiles_changed_at(ids["B"]) is None
    await bring(tmp_path, manager(), *rows)
    assert await told() == ["+989121234567"]


async def test_a_first_load_tells_nobody(tmp_path: Path) -> None:
    await bring(tmp_path, SYSTEM, draft("A", phones=("+989121234567",)))

    assert await told() == []
    found = await database.fetch_one("SELECT mobiles_changed_at FROM store")
    assert found is not None
    assert found["mobiles_changed_at"] is None


async def test_the_seed_rewrites_its_stores_and_tells_nobody() -> None:
    first, second = (draft("A", phones=(number,)) for number in ("+989121234567", "+989120000000"))
    await saving.save_drafts(viewer=SYSTEM, drafts=[first])

    await saving.save_drafts(viewer=SYSTEM, drafts=[second], tells_removed=False)

    assert (await stored("A")).phones == second.phones
    assert await told() == []


async def test_many_removed_mobiles_cost_one_statement() -> None:
    drafts = [draft(f"S{n}", phones=(f"+98912000{n:04}",)) for n in range(50)]
    await saving.save_drafts(viewer=SYSTEM, drafts=drafts)

    with database.count_statements() as counted:
        await saving.save_drafts(
            viewer=SYSTEM, drafts=[replace(each, phones=()) for each in drafts]
        )

    assert len(await told()) == 50
    assert counted.count == 6


def stopping_after(times: int) -> Callable[[], Awaitable[bool]]:
    left = times

    async def keep_going() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    return keep_going


async def test_an_import_that_nobody_wants_any_more_ends_between_two_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    path = file_of(tmp_path / "stores.csv", *(draft(f"S{n}") for n in range(5)))
    heard: list[int] = []

    with pytest.raises(StoreImportStopped) as stopped:
        await import_stores(
            viewer=SYSTEM,
            path=path,
            dry_run=False,
            progress=heard.append,
            keep_going=stopping_after(2),
        )

    assert stopped.value.data == {"rows": 4}
    assert heard == [2, 4]
    assert len(await database.fetch("SELECT FROM store")) == 4
    assert names_in(tmp_path) == ["stores.csv"]
    again = await import_stores(
        viewer=SYSTEM, path=path, dry_run=False, keep_going=stopping_after(3)
    )
    assert figures(again) == (1, 0, 4, 0, 0)


@pytest.mark.parametrize(
    ("viewer", "error"),
    [(ANONYMOUS, Unauthenticated), (operator(3, Role.AUDITOR), Forbidden)],
    ids=["nobody", "auditor"],
)
async def test_who_does_not_keep_stores_brings_no_file(
    tmp_path: Path, viewer: Viewer, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await bring(tmp_path, viewer, draft("A"))

    assert await everything() == []
    assert names_in(tmp_path) == ["stores.csv"]


async def entries() -> list[tuple[object, ...]]:
    """The entries of the trail of what files have saved: who, before, after."""
    rows = await database.fetch(
        "SELECT e.actor, s.code, e.province_code, e.before, e.after FROM audit_entry e"
        " JOIN store s ON e.object_type = 'Store' AND e.object_id = s.id::text"
        " WHERE e.action = 'stores.import' ORDER BY e.id"
    )
    return [
        (row["actor"], row["code"], row["province_code"], _json(row["before"]), _json(row["after"]))
        for row in rows
    ]


def _json(text: str | None) -> dict[str, object] | None:
    return None if text is None else json.loads(text)


async def test_each_place_that_a_file_changes_stands_in_the_trail(tmp_path: Path) -> None:
    await places.save(fars("A", settlement=SETTLED), fars("B"), fars("C"))
    wanted = (
        fars("A", state=StoreState.SUSPENDED, settlement=replace(SETTLED, iban=OTHER)),
        fars("B", name="فروشگاه دیگر"),
        fars("C"),
        fars("D"),
    )

    await bring(tmp_path, manager(), *wanted, dry_run=True)
    assert await entries() == []
    await bring(tmp_path, manager(), *wanted)

    found = {
        code: (actor, province, before, after)
        for actor, code, province, before, after in await entries()
    }
    assert set(found) == {"A", "B", "D"}
    assert found["A"] == ("operator:1", "IR-07", {"state": "ACTIVE"}, {"state": "SUSPENDED"})
    assert found["B"][2:] == ({"name": fars("B").name}, {"name": "فروشگاه دیگر"})
    before, after = found["D"][2:]
    assert before is None
    assert isinstance(after, dict)
    assert (after["store_code"], after["state"]) == ("D", "ACTIVE")
    await bring(tmp_path, manager(), *wanted)
    assert len(await entries()) == 3


async def test_a_first_account_that_a_file_brings_stands_in_the_trail_masked(
    tmp_path: Path,
) -> None:
    await bring(tmp_path, SYSTEM, fars("A", settlement=SETTLED))

    [(actor, _, _, _, after)] = await entries()
    assert actor == "system"
    assert isinstance(after, dict)
    assert after["account"] == "IR********************6789"
