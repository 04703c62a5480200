"""The first lines of an import's report, for a screen; the whole of it is a file."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from backend.core.errors import BadUserInput, NotFound, sentences
from backend.core.viewer import Viewer
from backend.imports import domain, repository, uploads

MAX_SHOWN: Final = 100
_SUMMARY: Final = "SUMMARY"  # the last line of every report, which is of no row


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of a report; `row` is None for what is of the whole file."""

    row: int | None
    column: str
    code: str
    message: str
    hint: str


class ProblemsShownInvalid(BadUserInput):
    """As many problems, or as few, are not shown."""

    texts = sentences(
        fa="تعداد ایرادها باید از ۱ تا {most} باشد.", en="Ask for 1 to {most} problems."
    )


async def list_problems(*, viewer: Viewer, import_id: int, first: int) -> list[Problem]:
    """The first problems and warnings of an import that the viewer may know of; in Persian, as its report.

    Raises ProblemsShownInvalid, NotFound.
    """
    if not 1 <= first <= MAX_SHOWN:
        raise ProblemsShownInvalid(field=("first",), most=MAX_SHOWN)
    found = await repository.find(import_id)
    if found is None or not domain.is_visible(found, viewer):
        raise NotFound(field=("importId",))
    head = await uploads.report_head(import_id)
    return list(islice(_problems(head), first))


def _problems(head: bytes) -> Iterator[Problem]:
    """The lines of a report's beginning; what was cut at its end is left out."""
    whole = head if len(head) < domain.REPORT_PART_BYTES else head[: head.rfind(b"\n") + 1]
    for line in csv.DictReader(whole.decode("utf-8-sig").splitlines()):
        if line["error_code"] != _SUMMARY:
            row = line["row"]
            yield Problem(
                int(row) if row else None,
                line["column"],
                line["error_code"],
                line["message"],
                line["hint"],
            )
