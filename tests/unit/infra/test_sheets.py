"""What looks like a formula is written as text, and comes back as it was."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.infra import sheet_writing, sheets

cells = st.text(alphabet="'=+-@\t\rx۱ ＝", max_size=6) | st.text(max_size=20)


@given(cells)
def test_a_neutralized_cell_comes_back_and_is_never_run(cell: str) -> None:
    written = sheets.neutralized(cell)

    assert sheets.restored(written) == cell
    assert re.match(r"[=+\-@\t\r\n＝＋－＠]", written) is None


@pytest.mark.parametrize("cell", ["'رفاه", "a=b", "''", "'", "رفاه"])
def test_other_text_is_written_and_read_as_it_is(cell: str) -> None:
    assert sheets.neutralized(cell) == cell
    assert sheets.restored(cell) == cell


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_rows_come_back_with_the_numbers_a_spreadsheet_shows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    writer = sheet_writing.create(path)
    writer.write([("a", "b"), ("", ""), ("=1", 'x;y\t,"z"'), ("", "۲")])
    writer.finish()

    assert list(sheets.read_rows(path)) == [
        (1, ("a", "b")),
        (3, ("=1", 'x;y\t,"z"')),
        (4, ("", "۲")),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_an_abandoned_table_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    writer = sheet_writing.create(tmp_path / f"rows{suffix}")
    writer.write([("a",)])

    writer.abandon()

    assert list(tmp_path.iterdir()) == []


def test_a_table_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sheets.SheetKindUnknown):
        sheet_writing.create(tmp_path / "rows.ods")
