"""Imports of files as those see them who start, approve or audit them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import strawberry

from backend.approvals import reading as approvals_reading
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.permissions import Permission
from backend.imports import domain, problems
from backend.imports.domain import ImportKind, ImportState
from backend.members import domain as members
from schema import approval_types, import_texts
from schema.approval_types import Approval
from schema.context import Info
from schema.enums import describe
from schema.relay import Node, PageInfo
from schema.scalars import JalaliMonth

DEFAULT_PROBLEMS: Final = 20

describe(ImportKind, "What a file holds.", MEMBERS="Members, a month.", STORES="Stores.")
describe(
    ImportState,
    "Where an import stands.",
    UPLOADING="Its file is being uploaded, for a day at the most.",
    QUEUED="It waits for a worker; one of a kind runs at a time.",
    RUNNING="A worker is at it.",
    CHECKED="It was tried out, and can be started for real on the same upload for a day.",
    WAITING_FOR_APPROVAL="The file is unusual, and somebody else has to decide.",
    DONE="It is done.",
    FAILED="It was refused, or failed; `error` says why.",
    REFUSED="Nobody let the unusual file pass; `error` says why.",
    CANCELLED="Somebody has cancelled it.",
    EXPIRED="Nobody started it in time.",
)


@strawberry.type(
    description="What came of a file's rows; null where it does not apply to the kind."
)
class FileImportCounts:
    """The figures of a run that came to its end."""

    rows: int = strawberry.field(description="Rows below the header.")
    created: int = strawberry.field(description="Rows that made something new.")
    changed: int = strawberry.field(description="Rows that changed what there was.")
    unchanged: int = strawberry.field(description="Rows that say what is stored already.")
    invalid: int = strawberry.field(description="Rows that were left out, with their problems.")
    warnings: int | None = strawberry.field(description="Warnings on rows that were taken.")
    deactivated: int | None = strawberry.field(description="Active members who are in no row.")
    stopped: int | None = strawberry.field(description="Active members whose row makes inactive.")
    deceased: int | None = strawberry.field(description="Members whose death the file tells.")
    phone_changed: int | None = strawberry.field(description="Members who get another phone.")
    active_before: int | None = strawberry.field(description="Active members before the file.")
    unknown_units: int | None = strawberry.field(
        description="Cells that name no branch or association, and were left empty."
    )
    passed_over: int | None = strawberry.field(
        description="Phones, IBANs and cities that nobody can use, and were passed over."
    )


@strawberry.type(description="What an unusual file does too much of.")
class FileImportUnusual:
    """A figure beyond its bound."""

    figure: str = strawberry.field(
        description="`deactivated`, `renumbered`, `deaths`, `unpensioned` or `invalid`."
    )
    text: str = strawberry.field(description="The same in words.")
    count: int = strawberry.field(description="How many it affects.")
    usual: int = strawberry.field(description="How many would need no approval.")


@strawberry.type(description="Why an import failed or was refused.")
class FileImportError:
    """An error as `UserError` shows one."""

    code: str = strawberry.field(description="A stable code.")
    message: str = strawberry.field(description="What went wrong, in Persian.")
    hint: str = strawberry.field(description="What to do.")


@strawberry.type(description="A line of an import's report.")
class FileImportProblem:
    """A problem or a warning."""

    row: int | None = strawberry.field(
        description="As a spreadsheet numbers it; null for the file."
    )
    column: str = strawberry.field(description="The column's name.")
    code: str = strawberry.field(description="A stable code.")
    message: str = strawberry.field(description="What is wrong, in Persian.")
    hint: str = strawberry.field(description="What to write.")


@strawberry.type(description="A file that an operator imports.")
class FileImport(Node):
    """An import."""

    kind: ImportKind = strawberry.field(description="What the file holds.")
    state: ImportState = strawberry.field(description="Where it stands.")
    state_text: str = strawberry.field(description="The same in words.")
    file_name: str = strawberry.field(description="The file's name, without folders.")
    size_bytes: int = strawberry.field(description="The file's size.")
    month: JalaliMonth | None = strawberry.field(
        description="Which month a membership file is of; null for stores."
    )
    province_codes: list[str] | None = strawberry.field(
        description="For which provinces it was begun; null for the nation."
    )
    dry_run: bool = strawberry.field(description="Whether it was last started to be tried out.")
    started_by: str = strawberry.field(description="Who began it: an account's name.")
    created_at: datetime = strawberry.field(description="When it was begun.")
    started_at: datetime | None = strawberry.field(description="When it was last started.")
    ended_at: datetime | None = strawberry.field(description="When it came to its end.")
    expires_at: datetime | None = strawberry.field(
        description="Until when it waits to be started; null where it does not."
    )
    rows_done: int = strawberry.field(description="How far the run is, of `rowsExpected`.")
    rows_expected: int | None = strawberry.field(
        description="A membership file's rows count twice: each is checked, then merged. Null where it is not known."
    )
    progress_percent: int | None = strawberry.field(
        description="How far the run is; null where that is not known."
    )
    counts: FileImportCounts | None = strawberry.field(
        description="What came of the rows, or would; null before a run has come to its end."
    )
    repeated: bool = strawberry.field(
        description="Whether the same file was imported before, and nothing was left to do."
    )
    unusual: list[FileImportUnusual] = strawberry.field(
        description="What the file does too much of; empty where nobody has to decide."
    )
    error: FileImportError | None = strawberry.field(description="Why it failed or was refused.")
    accepted_by: str | None = strawberry.field(description="Who let the unusual file pass.")
    cancelled_by: str | None = strawberry.field(
        description="Who cancelled it, or asked it to stop."
    )
    report_path: str | None = strawberry.field(
        description="Where the report (CSV) is to be had by GET; null where there is none, or not any more."
    )
    vanished_path: str | None = strawberry.field(
        description="Where the list of members who are in no row is to be had; of unusual files. It is personal."
    )
    key: strawberry.Private[int]
    approval_key: strawberry.Private[int | None]

    @strawberry.field(description="The decision that it waits, or waited, for.")
    async def approval(self, info: Info) -> Approval | None:
        """The second person's decision, where the viewer may look at such."""
        viewer = info.context.viewer
        if self.approval_key is None or not viewer.may(Permission.APPROVALS_READ):
            return None
        found = await approvals_reading.find_approval(viewer=viewer, approval_id=self.approval_key)
        return None if found is None else approval_types.approval(found)

    @strawberry.field(
        description="The first problems and warnings of the report; it is kept for 90 days."
    )
    async def problems(
        self,
        info: Info,
        first: Annotated[
            int,
            strawberry.argument(description=f"How many at the most, 1 to {problems.MAX_SHOWN}."),
        ] = DEFAULT_PROBLEMS,
    ) -> list[FileImportProblem]:
        """The first lines of the report."""
        found = await problems.list_problems(
            viewer=info.context.viewer, import_id=self.key, first=first
        )
        return [
            FileImportProblem(
                row=each.row,
                column=each.column,
                code=each.code,
                message=each.message,
                hint=each.hint,
            )
            for each in found
        ]


@strawberry.type(description="An import in a list.")
class FileImportEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: FileImport = strawberry.field(description="The import.")


@strawberry.type(description="Imports, the latest first.")
class FileImportConnection:
    """A page of imports."""

    edges: list[FileImportEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


def file_import(value: domain.FileImport, *, locale: Locale, at: datetime) -> FileImport:
    """The GraphQL form of an import."""
    import_id = GlobalId(domain.OBJECT, value.id).encode()
    has_report = value.has_report(at)
    has_vanished = has_report and bool(value.unusual) and bool(value.counts.get("vanished"))
    return FileImport(
        id=strawberry.ID(import_id),
        kind=value.kind,
        state=value.state,
        state_text=import_texts.STATES[value.state][locale],
        file_name=value.file_name,
        size_bytes=value.size_bytes,
        month=None if value.month is None else JalaliMonth(value.month),
        province_codes=None if value.province_codes is None else list(value.province_codes),
        dry_run=value.dry_run,
        started_by=value.actor,
        created_at=value.created_at,
        started_at=value.started_at,
        ended_at=value.ended_at,
        expires_at=value.expires_at,
        rows_done=value.rows_done,
        rows_expected=value.rows_expected,
        progress_percent=value.progress_percent,
        counts=_counts(value.counts),
        repeated=value.is_repeated,
        unusual=_unusual(value, locale),
        error=_error(value),
        accepted_by=value.accepted_by,
        cancelled_by=value.cancelled_by,
        report_path=f"/imports/{import_id}/report.csv" if has_report else None,
        vanished_path=f"/imports/{import_id}/vanished.csv" if has_vanished else None,
        key=value.id,
        approval_key=value.approval_id,
    )


def _counts(counts: Mapping[str, int]) -> FileImportCounts | None:
    if not counts:
        return None
    return FileImportCounts(
        rows=counts["rows"],
        created=counts["created"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        invalid=counts["invalid"],
        warnings=counts.get("warnings"),
        deactivated=counts.get("vanished"),
        stopped=counts.get("stopped"),
        deceased=counts.get("deceased"),
        phone_changed=counts.get("renumbered"),
        active_before=counts.get("active_before"),
        unknown_units=counts.get("unknown_units"),
        passed_over=counts.get("passed_over"),
    )


def _unusual(value: domain.FileImport, locale: Locale) -> list[FileImportUnusual]:
    if not value.unusual:
        return []
    figures, usual = members.figures(value.counts), members.most_usual(value.counts)
    return [
        FileImportUnusual(
            figure=name,
            text=import_texts.FIGURES[name][locale],
            count=figures[name],
            usual=usual[name],
        )
        for name in value.unusual
    ]


def _error(value: domain.FileImport) -> FileImportError | None:
    if value.error_code is None or value.error_text is None or value.error_hint is None:
        return None
    return FileImportError(code=value.error_code, message=value.error_text, hint=value.error_hint)
