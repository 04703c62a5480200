"""Rules of imports: names of files, what can be imported, how far a run is, and where its file lies meanwhile."""

import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.core.viewer import Scope
from backend.imports import domain, work_folders
from backend.imports.domain import FileImport, ImportKind, ImportState
from backend.imports.refusals import FileImportInvalid
from backend.imports.work_folders import WorkFolderUnsafe, work_folder

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
IMPORT = FileImport(
    id=1,
    kind=ImportKind.STORES,
    state=ImportState.RUNNING,
    actor="operator:7",
    province_codes=("IR-07",),
    file_name="x.csv",
    size_bytes=2 * domain.PART_BYTES + 1,
    sha256=bytes(32),
    part_bytes=domain.PART_BYTES,
    month=None,
    dry_run=False,
    run=1,
    attempts=1,
    is_merging=False,
    cancelled_by=None,
    rows_done=0,
    rows_expected=None,
    counts={},
    unusual=(),
    error_code=None,
    error_text=None,
    error_hint=None,
    approval_id=None,
    accepted_by=None,
    created_at=NOW,
    started_at=NOW,
    ended_at=None,
    expires_at=None,
)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("members.csv", "members.csv"),
        ("/home/ali/members.csv", "members.csv"),
        (r"C:\Users\ali\members.csv", "members.csv"),
        ("../../etc/passwd", "passwd"),
        (" فروشگاه\u202eها.csv ", "فروشگاهها.csv"),
        ("\u200c", ""),
        ("..", ""),
        ("x" * 200 + ".csv", "x" * 116 + ".csv"),
        ("/".join(["folder"] * 1_000) + "/a.xlsx", "a.xlsx"),
    ],
)
def test_a_file_is_shown_by_its_bare_name(given: str, shown: str) -> None:
    assert domain.clean_file_name(given) == shown


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"file_name": ""}, "fileName"),
        ({"size_bytes": 0}, "sizeBytes"),
        ({"size_bytes": 50 * 1024**2 + 1}, "sizeBytes"),
        ({"sha256": "00" * 31}, "sha256"),
        ({"sha256": "zz" * 32}, "sha256"),
        ({"sha256": "00 " * 32}, "sha256"),
    ],
)
def test_what_can_be_no_file_is_refused_with_its_field(
    changed: dict[str, object], field: str
) -> None:
    right: dict[str, object] = {"file_name": "x", "size_bytes": 50 * 1024**2, "sha256": "0A" * 32}
    assert domain.check_file(ImportKind.STORES, **right) == bytes([10] * 32)  # type: ignore[arg-type]  # str and int
    with pytest.raises(FileImportInvalid) as refusal:
        domain.check_file(ImportKind.STORES, **(right | changed))  # type: ignore[arg-type]
    assert refusal.value.field == (field,)


def test_all_parts_but_the_last_are_of_one_size() -> None:
    sizes = [IMPORT.part_size(number) for number in range(IMPORT.part_count)]
    assert sizes == [domain.PART_BYTES, domain.PART_BYTES, 1]
    largest = domain.MAX_SIZE_BYTES[ImportKind.MEMBERS]
    assert replace(IMPORT, size_bytes=largest).part_count == 512


@pytest.mark.parametrize(
    ("done", "expected", "percent"), [(0, None, None), (0, 0, None), (1, 3, 33), (5, 3, 99)]
)
def test_a_run_is_at_its_end_only_when_it_has_ended(
    done: int, expected: int | None, percent: int | None
) -> None:
    running = replace(IMPORT, rows_done=done, rows_expected=expected)
    assert running.progress_percent == percent
    assert replace(running, state=ImportState.DONE).progress_percent == 100


def test_a_report_is_there_for_ninety_days() -> None:
    done = replace(IMPORT, counts={"rows": 1}, ended_at=NOW)
    assert done.has_report(NOW + timedelta(days=90) - timedelta(seconds=1))
    assert not done.has_report(NOW + timedelta(days=90))
    assert not replace(done, counts={"rows": 1, domain.REPEATED: 1}).has_report(NOW)
    assert not IMPORT.has_report(NOW)


def test_an_import_is_of_the_scope_in_which_it_was_begun() -> None:
    assert IMPORT.scope == Scope(province_codes=frozenset({"IR-07"}))
    assert replace(IMPORT, province_codes=None).scope == Scope(nation=True)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"bashgah-imports-{os.getuid()}"


def test_a_work_folder_is_for_its_owner_alone_and_gone_afterwards(temporary: Path) -> None:
    with work_folder() as first, work_folder() as second:
        assert {each.stat().st_mode & 0o777 for each in (temporary, first, second)} == {0o700}
        (first / "file.csv").write_text("x", encoding="utf-8")
    assert list(temporary.iterdir()) == []


def test_what_nobody_holds_any_more_is_deleted_by_the_next(temporary: Path) -> None:
    left = temporary / "left"
    with work_folder() as held:
        left.mkdir()
        (left / "lock").touch()
        (left / "file.csv").touch()
        with work_folder():
            assert held.exists()
        assert not left.exists()


def test_a_folder_that_others_may_enter_is_not_used(temporary: Path) -> None:
    temporary.mkdir()
    temporary.chmod(0o755)
    with pytest.raises(WorkFolderUnsafe), work_folder():
        pytest.fail("it was used")
    temporary.rmdir()
    temporary.symlink_to(temporary.parent)
    with pytest.raises(WorkFolderUnsafe), work_folders.work_folder():
        pytest.fail("it was used")
