"""Files of stores that operators import: within their scope, batch by batch, as a job."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.access import acting_operators
from backend.core import clock
from backend.core.permissions import Permission, Role
from backend.core.viewer import BreakGlass, Scope, Viewer
from backend.imports import problems, repository_runs, running, service, upkeep
from backend.imports.domain import FileImport, ImportState
from backend.imports.refusals import ImportInEmergency
from backend.imports.watching import Watch
from backend.infra import db as database
from backend.stores import importing
from backend.stores.draft_columns import HEADER
from tests.support import places
from tests.support.file_imports import now, prepare, report_of, uploaded
from tests.support.staff import new_operator

FARS = Scope(province_codes=frozenset({"IR-07"}))
ROW = {
    "code": "SHZ-1",
    "kind": "STORE",
    "state": "ACTIVE",
    "name": "فروشگاه رفاه",
    "category": "grocery",
    "province": "IR-07",
    "city": "شیراز",
    "address": "خیابان زند، پلاک ۱۲",
    "latitude": "29.6205",
    "longitude": "52.5311",
    "phones": "07132345678",
    "opening_hours": "شنبه-چهارشنبه 09:00-13:00",
    "min_months": "3",
    "max_months": "12",
    "min_amount_rials": "5000000",
    "max_amount_rials": "200000000",
}


@pytest.fixture
async def keeper(db: None) -> Viewer:
    prepare()
    await places.save_categories()
    made = await new_operator(Role.STORE_MANAGER, scope=FARS)
    found = await acting_operators.find_viewer(f"operator:{made.id}")
    assert found is not None
    return replace(found, reauthenticated_at=clock.now())


def stores_file(rows: Iterable[dict[str, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(HEADER), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def stores(count: int) -> list[dict[str, str]]:
    return [ROW | {"code": f"SHZ-{number}"} for number in range(count)]


async def codes() -> set[str]:
    return {row["code"] for row in await database.fetch("SELECT code FROM store")}


async def started(
    viewer: Viewer, rows: list[dict[str, str]], *, dry_run: bool = False
) -> FileImport:
    found = await uploaded(viewer, stores_file(rows))
    return await service.start(viewer=viewer, import_id=found.id, dry_run=dry_run)


async def test_a_file_is_imported_within_the_scope_of_its_operator(keeper: Viewer) -> None:
    rows = [*stores(2), ROW | {"code": "THR-1", "province": "IR-23", "city": "تهران"}]
    found = await started(keeper, rows)
    await running.run(found.id)

    done = await now(found)
    assert (done.state, done.province_codes) == (ImportState.DONE, ("IR-07",))
    figures = {name: done.counts[name] for name in ("rows", "created", "invalid")}
    assert figures == {"rows": 3, "created": 2, "invalid": 1}
    assert (done.rows_done, done.rows_expected) == (3, 3)
    assert await codes() == {"SHZ-0", "SHZ-1"}
    shown = await problems.list_problems(viewer=keeper, import_id=found.id, first=10)
    assert {each.row for each in shown} == {4}
    assert len(await problems.list_problems(viewer=keeper, import_id=found.id, first=1)) == 1
    with pytest.raises(problems.ProblemsShownInvalid):
        await problems.list_problems(viewer=keeper, import_id=found.id, first=101)


async def test_what_is_tried_out_saves_nothing(keeper: Viewer) -> None:
    found = await started(keeper, stores(2), dry_run=True)
    await running.run(found.id)

    checked = await now(found)
    assert (checked.state, checked.counts["created"]) == (ImportState.CHECKED, 2)
    assert await codes() == set()
    assert "آزمایشی" in await report_of(keeper, checked)


async def test_a_cancelled_one_stops_between_two_batches_and_what_is_saved_stays(
    keeper: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    tell = Watch.tell
    found = await started(keeper, stores(6))
    watches = []

    def noted(watch: Watch, rows: int) -> None:
        watches.append(rows)
        tell(watch, rows)

    async def cancelled(watch: Watch) -> bool:
        if watches == [2]:
            await service.cancel(viewer=keeper, import_id=found.id)
        return await keep_going(watch)

    keep_going = Watch.keep_going
    monkeypatch.setattr(Watch, "tell", noted)
    monkeypatch.setattr(Watch, "keep_going", cancelled)
    await running.run(found.id)

    ended = await now(found)
    assert (ended.state, ended.cancelled_by) == (ImportState.CANCELLED, keeper.actor)
    assert await codes() == {"SHZ-0", "SHZ-1"}
    await upkeep.clean_up(found.id)
    assert await database.fetch("SELECT FROM file_import_part") == []


async def test_a_run_whose_place_was_taken_saves_no_further_batch(
    keeper: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    found = await started(keeper, stores(6))
    keep_going, asked = Watch.keep_going, []

    async def taken_over(watch: Watch) -> bool:
        asked.append(1)
        if len(asked) == 2:
            assert await repository_runs.begin_run(found.id) is not None
        return await keep_going(watch)

    monkeypatch.setattr(Watch, "keep_going", taken_over)
    await running.run(found.id)
    left = await now(found)
    assert (left.state, left.run) == (ImportState.RUNNING, 2)
    assert await codes() == {"SHZ-0", "SHZ-1"}

    await running.run(found.id)
    done = await now(found)
    assert (done.state, done.counts["created"], done.counts["unchanged"]) == (
        ImportState.DONE,
        4,
        2,
    )


async def test_who_lost_a_province_meanwhile_imports_nothing(keeper: Viewer) -> None:
    found = await started(keeper, stores(2))
    await database.execute("UPDATE operator SET scope_province_codes = ARRAY['IR-23']")
    await running.run(found.id)

    assert (await now(found)).error_code == "IMPORTER_RIGHTS_GONE"
    assert await codes() == set()


async def test_an_emergency_imports_nothing(keeper: Viewer) -> None:
    permissions = frozenset({Permission.STORES_MANAGE.value})
    ends_at = clock.now() + timedelta(hours=1)
    broken = replace(
        keeper, break_glass=BreakGlass(1, Role.STORE_MANAGER, permissions, ends_at=ends_at)
    )

    with pytest.raises(ImportInEmergency):
        await service.begin_stores(
            viewer=broken, file_name="stores.csv", size_bytes=10, sha256="0" * 64
        )

    assert await database.fetch("SELECT FROM file_import") == []
    assert await database.fetch("SELECT FROM audit_entry WHERE object_type = 'FileImport'") == []
