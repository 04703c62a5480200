"""The report on a membership file: a line a problem, in Persian, and the figures at the end.

For a file that somebody has to decide about, the report tells which rows change what, and how many vanished where; who
they are stands in a file of its own, readable by its owner alone.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from backend.core import errors
from backend.core.errors import DomainError
from backend.core.locale import Locale
from backend.infra import sheet_writing, sheets
from backend.infra.sheet_writing import RowWriter
from backend.members import domain, file_problems
from backend.members import repository_files as repository
from backend.members import repository_unusual as unusual
from backend.members.file_refusals import MembershipReportPathTaken
from backend.members.repository_files import StoredFile

REPORT_HEADER = ("row", "column", "error_code", "message", "hint")
VANISHED_HEADER = ("member_id", "pension_number", "province", "branch", "association")
MAX_WARNINGS = 10_000  # of each kind
MAX_UNITS = 50  # of each kind
MAX_VANISHED = 100_000
_PAGE = 5_000

_SUMMARY = (
    "{rows} ردیف خوانده شد: {created} تازه، {changed} تغییرکرده، {unchanged} بی‌تغییر، {invalid} نادرست."
    " {vanished} نفر در پرونده نبودند و غیرفعال {become}، {stopped} نفر در خود پرونده غیرفعال‌اند،"
    " {deceased} نفر فوت‌شده‌اند و تلفن {renumbered} نفر تغییر {change}. خالص مستمری {unpensioned} نفر خالی {turn}."
    " کد شعبه یا کانون {unknown_units} خانه شناخته نشد و خالی {become_empty}."
    " {passed_over} خانهٔ تلفن، شبا یا شهر نادرست بود و نادیده گرفته {turn}."
    " {phones_kept} تلفن همان شمارهٔ پیشین عضوی بود که شماره‌اش را همکاران با تأیید نفر دوم عوض کرده‌اند، و نادیده گرفته"
    " {turn}."
)
_DONE = {"become": "شدند", "change": "کرد", "become_empty": "ماند", "turn": "شد"}
_WOULD = {
    "become": "می‌شوند",
    "change": "می‌کند",
    "become_empty": "می‌ماند",
    "turn": "می‌شود",
}
_DRY_RUN = "آزمایشی بود و چیزی ذخیره نشد."
_STOPPED = "این‌ها بیش از اندازه است و چیزی ذخیره نشد: {reasons}. {advice}"
COMMAND_ADVICE: Final = "پس از بررسی، با --accept-unusual --accepted-by نام ادامه دهید."
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "deactivated": "غیرفعال‌شدگان",
        "renumbered": "تغییر تلفن",
        "deaths": "فوت‌شدگان",
        "unpensioned": "مستمری‌های خالی‌شده",
        "invalid": "ردیف‌های نادرست",
    }
)
_AFFECTED: Mapping[str, tuple[str, type[DomainError]]] = MappingProxyType(
    {
        "renumbered": ("phone", file_problems.PhoneChanges),
        "deaths": ("state", file_problems.DeceasedNow),
        "stopped": ("state", file_problems.PensionStops),
        "unpensioned": ("net_pension_rials", file_problems.PensionEmptied),
    }
)


def check_path(report_path: Path, path: Path) -> None:
    """Raise MembershipReportPathTaken for the file itself, and SheetKindUnknown for another ending."""
    if path.resolve() in (report_path.resolve(), vanished_path(report_path).resolve()):
        raise MembershipReportPathTaken
    if report_path.suffix.lower() != ".csv":
        raise sheets.SheetKindUnknown


def vanished_path(report_path: Path) -> Path:
    """Where those who vanished are listed: `<name>.vanished.csv` beside `<name>.report.csv`."""
    return report_path.with_name(f"{report_path.stem.removesuffix('.report')}.vanished.csv")


async def write(path: Path, file: StoredFile, *, dry_run: bool, advice: str | None) -> None:
    """Write the staged problems of a file in the order of its rows, warnings, and the figures.

    With `advice`, on how to let the file pass, also what to decide by, and, beside the report, the list of those who
    would vanish.
    """
    since = ("unknown_units", "passed_over", "stopped", "unpensioned", "phones_kept")
    counts = {**dict.fromkeys(since, 0), **file.counts}  # a file of before they were counted
    async with _table(path) as report:
        await asyncio.to_thread(report.write, [REPORT_HEADER])
        after = (0, -1)
        while page := await repository.list_problems(file.id, after=after, limit=_PAGE):
            await asyncio.to_thread(report.write, [(str(row), *rest) for row, _, *rest in page])
            after = (page[-1][0], page[-1][1])
        await _write_affected(report, file, "revived", ("state", file_problems.DeceasedComesBack))
        if advice is not None:
            for how, shown in _AFFECTED.items():
                await _write_affected(report, file, how, shown)
            await _write_vanished(report, path, file)
        summary = _summary(counts, dry_run=dry_run, advice=advice)
        await asyncio.to_thread(report.write, [summary])


async def _write_affected(
    report: RowWriter, file: StoredFile, how: str, shown: tuple[str, type[DomainError]]
) -> None:
    column, error = shown
    rows = await unusual.list_affected(file.id, how, limit=MAX_WARNINGS)
    await asyncio.to_thread(report.write, [_line(str(row), column, error()) for row in rows])


async def _write_vanished(report: RowWriter, path: Path, file: StoredFile) -> None:
    """Tell how many vanished where, and list them in the other file."""
    listed = vanished_path(path)
    for kind, code, members in await unusual.count_vanished(file.id, limit=MAX_UNITS):
        error = file_problems.Vanishes(members=members, unit=code, file=listed.name)
        await asyncio.to_thread(report.write, [_line("", kind, error)])
    if not file.counts["vanished"]:
        return
    async with _table(listed) as names:
        await asyncio.to_thread(names.write, [VANISHED_HEADER])
        after, count = 0, 0
        while count < MAX_VANISHED and (
            page := await unusual.list_vanished(file.id, after=after, limit=_PAGE)
        ):
            await asyncio.to_thread(names.write, list(_vanished_lines(page)))
            after, count = page[-1].id, count + len(page)


@asynccontextmanager
async def _table(path: Path) -> AsyncIterator[RowWriter]:
    """A table that stands at its path when the block has ended well."""
    table = await asyncio.to_thread(sheet_writing.create, path)
    try:
        yield table
        await asyncio.to_thread(table.finish)
    except BaseException:
        table.abandon()
        raise


def _vanished_lines(members: list[unusual.VanishedMember]) -> Iterator[tuple[str, ...]]:
    for each in members:
        yield (
            str(each.id),
            each.pension_number,
            each.province_code,
            each.branch_code or "",
            each.association_code or "",
        )


def _line(row: str, column: str, error: DomainError) -> tuple[str, ...]:
    return (row, column, error.code, error.message(Locale.FA), error.hint(Locale.FA))


def _summary(counts: Mapping[str, int], *, dry_run: bool, advice: str | None) -> tuple[str, ...]:
    verbs = _WOULD if dry_run or advice is not None else _DONE
    figures = errors.render(_SUMMARY, {**counts, **verbs}, Locale.FA)
    notes = [_DRY_RUN] if dry_run else []
    if advice is not None:
        reasons = "، ".join(_REASONS[each] for each in domain.unusual(counts))
        notes = [_STOPPED.format(reasons=reasons, advice=advice)]
    return ("", "", "SUMMARY", figures, " ".join(notes))
