"""The report on a membership file: a line a problem, in Persian, and the figures at the end."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from backend.core import errors
from backend.core.locale import Locale
from backend.infra import sheet_writing, sheets
from backend.members import repository_files as repository
from backend.members import repository_merge
from backend.members.file_problems import DeceasedComesBack
from backend.members.file_refusals import MembershipReportPathTaken

REPORT_HEADER = ("row", "column", "error_code", "message", "hint")
MAX_WARNINGS = 10_000
_PAGE = 5_000

_SUMMARY = (
    "{rows} ردیف خوانده شد: {created} تازه، {changed} تغییرکرده، {unchanged} بی‌تغییر، {invalid} نادرست."
    " {vanished} نفر در پرونده نبودند و غیرفعال {become}، {deceased} نفر فوت‌شده‌اند و"
    " تلفن {renumbered} نفر تغییر {change}. کد شعبه یا کانون {unknown_units} خانه شناخته نشد و خالی {become_empty}."
)
_DONE = {"become": "شدند", "change": "کرد", "become_empty": "ماند"}
_WOULD = {"become": "می‌شوند", "change": "می‌کند", "become_empty": "می‌ماند"}
_DRY_RUN = "آزمایشی بود و چیزی ذخیره نشد."
_STOPPED = (
    "این دگرگونی‌ها بیش از اندازه است و چیزی ذخیره نشد؛ پس از بررسی، با --accept-unusual ادامه دهید."
)


def check_path(report_path: Path, path: Path) -> None:
    """Raise MembershipReportPathTaken for the file itself, and SheetKindUnknown for another ending."""
    if report_path.resolve() == path.resolve():
        raise MembershipReportPathTaken
    if report_path.suffix.lower() != ".csv":
        raise sheets.SheetKindUnknown


async def write(
    path: Path,
    file_id: int,
    counts: Mapping[str, int],
    *,
    dry_run: bool,
    needs_decision: bool,
) -> None:
    """Write the staged problems of a file in the order of its rows, warnings, and the figures."""
    report = await asyncio.to_thread(sheet_writing.create, path)
    try:
        await asyncio.to_thread(report.write, [REPORT_HEADER])
        after = (0, -1)
        while page := await repository.list_problems(file_id, after=after, limit=_PAGE):
            await asyncio.to_thread(report.write, [(str(row), *rest) for row, _, *rest in page])
            after = (page[-1][0], page[-1][1])
        revived = await repository_merge.list_revived(file_id, limit=MAX_WARNINGS)
        await asyncio.to_thread(report.write, [_warning(row) for row in revived])
        await asyncio.to_thread(
            report.write,
            [_summary(counts, dry_run=dry_run, needs_decision=needs_decision)],
        )
        await asyncio.to_thread(report.finish)
    except BaseException:
        report.abandon()
        raise


def _warning(row: int) -> tuple[str, ...]:
    error = DeceasedComesBack()
    return (str(row), "state", error.code, error.message(Locale.FA), error.hint(Locale.FA))


def _summary(counts: Mapping[str, int], *, dry_run: bool, needs_decision: bool) -> tuple[str, ...]:
    verbs = _WOULD if dry_run or needs_decision else _DONE
    figures = errors.render(_SUMMARY, {"unknown_units": 0, **counts, **verbs}, Locale.FA)
    notes = [_STOPPED] if needs_decision else [_DRY_RUN] if dry_run else []
    return ("", "", "SUMMARY", figures, " ".join(notes))
