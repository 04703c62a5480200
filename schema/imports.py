"""Imports of files by operators: begun, started, cancelled, and looked at. The bytes go over `import_files`."""

from typing import Annotated

import strawberry

from backend.core.errors import DomainError
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.permissions import Permission
from backend.imports import domain, service
from backend.imports.domain import ImportKind, ImportState
from backend.imports.service import Begun
from schema import import_types, staff_answers
from schema.context import Info
from schema.import_types import FileImport, FileImportConnection, FileImportEdge
from schema.permissions import Requires
from schema.relay import After, First, Id, page_info, public_key
from schema.scalars import JalaliMonth
from schema.staff_answers import ActRefused, ReauthenticationNeeded

DEFAULT_FIRST = 20


@strawberry.type(description="The file is to be uploaded in parts; then the import can be started.")
class FileImportBegun:
    """The success of `memberImportBegin` and `storeImportBegin`."""

    file_import: FileImport = strawberry.field(description="The import.")
    part_bytes: int = strawberry.field(description="The bytes of each part; the last has the rest.")
    part_count: int = strawberry.field(description="How many parts there are, numbered from 0.")
    missing_parts: list[int] = strawberry.field(
        description="The first of those that have not arrived; who begins the same file again goes on with them."
    )
    part_path: str = strawberry.field(
        description="Where a part is sent to by PUT, with its number in the place of `{number}`."
    )


@strawberry.type(description="The import as it is now.")
class FileImportChanged:
    """The success of `fileImportStart` and `fileImportCancel`."""

    file_import: FileImport = strawberry.field(description="The import.")


@strawberry.input(description="A membership file that is to be uploaded.")
class MemberImportBeginInput:
    """What `memberImportBegin` takes."""

    file_name: str = strawberry.field(description="Its name, for people.")
    size_bytes: int = strawberry.field(description="Its size, at most 2,147,483,647 bytes.")
    sha256: str = strawberry.field(description="SHA-256 of the whole file, 64 hexadecimal digits.")
    month: JalaliMonth = strawberry.field(
        description="Which month it is of: at the latest the next one."
    )


@strawberry.input(description="A file of stores that is to be uploaded: CSV or XLSX.")
class StoreImportBeginInput:
    """What `storeImportBegin` takes."""

    file_name: str = strawberry.field(
        description="Its name, for people; its ending tells its kind."
    )
    size_bytes: int = strawberry.field(description="Its size, at most 50 MiB.")
    sha256: str = strawberry.field(description="SHA-256 of the whole file, 64 hexadecimal digits.")


@strawberry.input(description="Which uploaded file is to be imported, and whether only to try.")
class FileImportStartInput:
    """What `fileImportStart` takes."""

    import_id: strawberry.ID = strawberry.field(description="The import.")
    dry_run: bool = strawberry.field(
        description="Check everything and change nothing; afterwards it can be started for real."
    )


@strawberry.input(description="Which import is not to be done.")
class FileImportCancelInput:
    """What `fileImportCancel` takes."""

    import_id: strawberry.ID = strawberry.field(description="The import.")


MemberImportBeginResult = Annotated[
    FileImportBegun | ActRefused,
    strawberry.union("MemberImportBeginResult", description="What `memberImportBegin` answers."),
]
StoreImportBeginResult = Annotated[
    FileImportBegun | ActRefused,
    strawberry.union("StoreImportBeginResult", description="What `storeImportBegin` answers."),
]
FileImportStartResult = Annotated[
    FileImportChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("FileImportStartResult", description="What `fileImportStart` answers."),
]
FileImportCancelResult = Annotated[
    FileImportChanged | ActRefused,
    strawberry.union("FileImportCancelResult", description="What `fileImportCancel` answers."),
]


@strawberry.type
class ImportsQuery:
    """Imports among the root fields."""

    @strawberry.field(
        description="Imports of the kinds that the operator works with, within the scope, the latest first; an auditor "
        "sees all."
    )
    async def file_imports(
        self,
        info: Info,
        kind: Annotated[
            ImportKind | None, strawberry.argument(description="Of this kind only.")
        ] = None,
        state: Annotated[
            ImportState | None, strawberry.argument(description="In this state only.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> FileImportConnection:
        """A page of imports."""
        page = await service.list_imports(
            viewer=info.context.viewer,
            kind=kind,
            state=state,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return FileImportConnection(
            edges=[
                FileImportEdge(cursor=cursor, node=_shown(info, each))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )

    @strawberry.field(description="An import; null where there is none for the operator.")
    async def file_import(self, info: Info, id: Id) -> FileImport | None:  # noqa: A002
        """An import by its id."""
        return await _find(info, public_key(id, domain.OBJECT))


@strawberry.type
class ImportsMutation:
    """How files are imported."""

    @strawberry.mutation(
        description="Begins the upload of a monthly membership file (CSV). Needs the permission members.import for the "
        "whole nation. The same file again goes on with the same upload.",
        extensions=[Requires(Permission.MEMBERS_IMPORT)],
    )
    async def member_import_begin(
        self,
        info: Info,
        input: MemberImportBeginInput,  # noqa: A002 - the contract's name
    ) -> MemberImportBeginResult:
        """Begin an import of members."""
        try:
            begun = await service.begin_members(
                viewer=info.context.viewer,
                file_name=input.file_name,
                size_bytes=input.size_bytes,
                sha256=input.sha256,
                month=input.month,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return _begun(info, begun)

    @strawberry.mutation(
        description="Begins the upload of a file of stores for the provinces of the operator's scope. Needs the "
        "permission stores.manage. The same file again goes on with the same upload.",
        extensions=[Requires(Permission.STORES_MANAGE)],
    )
    async def store_import_begin(
        self,
        info: Info,
        input: StoreImportBeginInput,  # noqa: A002 - the contract's name
    ) -> StoreImportBeginResult:
        """Begin an import of stores."""
        try:
            begun = await service.begin_stores(
                viewer=info.context.viewer,
                file_name=input.file_name,
                size_bytes=input.size_bytes,
                sha256=input.sha256,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return _begun(info, begun)

    @strawberry.mutation(
        description="Has a worker import an uploaded file, or try it out; only by who has begun it. Changing members "
        "needs a recent confirmation. An unusual membership file then waits for another's approval. Repeated, it "
        "changes nothing."
    )
    async def file_import_start(
        self,
        info: Info,
        input: FileImportStartInput,  # noqa: A002 - the contract's name
    ) -> FileImportStartResult:
        """Start an import."""
        try:
            started = await service.start(
                viewer=info.context.viewer,
                import_id=public_key(input.import_id, domain.OBJECT),
                dry_run=input.dry_run,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return FileImportChanged(file_import=_shown(info, started))

    @strawberry.mutation(
        description="Lets an import not be done; one that runs stops at its next step, and stores that are saved stay. "
        "A membership file whose merge has begun is finished. By who began it, or may do so. Repeated, it changes "
        "nothing."
    )
    async def file_import_cancel(
        self,
        info: Info,
        input: FileImportCancelInput,  # noqa: A002 - the contract's name
    ) -> FileImportCancelResult:
        """Cancel an import."""
        try:
            cancelled = await service.cancel(
                viewer=info.context.viewer, import_id=public_key(input.import_id, domain.OBJECT)
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return FileImportChanged(file_import=_shown(info, cancelled))


async def import_by_id(info: Info, wanted: GlobalId) -> FileImport | None:
    """An import by its id, for who would see it in the list."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    return await _find(info, wanted.key)


NODES = {domain.OBJECT: import_by_id}


async def _find(info: Info, key: int) -> FileImport | None:
    found = await service.find_import(viewer=info.context.viewer, import_id=key)
    return None if found is None else _shown(info, found)


def _shown(info: Info, found: domain.FileImport) -> FileImport:
    return import_types.file_import(found, locale=info.context.locale, at=info.context.now)


def _begun(info: Info, begun: Begun) -> FileImportBegun:
    shown = _shown(info, begun.found)
    return FileImportBegun(
        file_import=shown,
        part_bytes=begun.found.part_bytes,
        part_count=begun.found.part_count,
        missing_parts=list(begun.missing_parts),
        part_path=f"/imports/{shown.id}/parts/{{number}}",
    )
