"""The second part of an import: a staged file is compared with the members, and somebody decides where need be."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from backend.audit import service as audit
from backend.core.viewer import Viewer
from backend.infra import db
from backend.infra.sheet_problems import CellProblem
from backend.members import domain, file_problems, file_staging, repository_merge, staging
from backend.members import repository_files as repository
from backend.members.file_refusals import MembershipStagingLost
from backend.members.repository_files import StoredFile


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who lets an unusual file pass; where `counts` is given, a file that does no more than those say."""

    by: str
    counts: Mapping[str, int] | None = None

    def covers(self, counts: Mapping[str, int]) -> bool:
        """Whether it is for a file that does this. One without a valid row is never accepted."""
        is_within = self.counts is None or domain.is_within(counts, self.counts)
        return is_within and counts["rows"] > counts["invalid"]


async def compare(
    viewer: Viewer,
    file: StoredFile,
    *,
    acceptance: Acceptance | None,
    before_merge: Callable[[], Awaitable[None]],
) -> StoredFile:
    """Refuse what only the whole file shows, count what it changes, and go on to MERGING, or to UNUSUAL.

    A file that is unusual goes on where somebody accepts it. What was refused may have been lost with the staging, and
    the members may have changed since: only where some of the file is merged its figures stay. `before_merge` is
    called in the transaction that lets the file pass, and may refuse. Raises MembershipStagingLost,
    MembershipImportUnderway.
    """
    async with db.transaction():
        held = await staging.hold(file)
        staged = await repository.find_staged(file.id)
        if not staged.is_whole:
            raise MembershipStagingLost
        await repository.analyze_staging()
        await _refuse(file.id)
        if held.state == "MERGING":
            await before_merge()
            return held
        counts = await repository_merge.count_changes(file.id)
        counts["unknown_units"] = staged.warnings - staged.passed_over
        counts["passed_over"] = staged.passed_over
        await repository.save_counts(file.id, counts)
        await _pass(viewer, file.id, counts, acceptance, before_merge)
        return await staging.hold(file)


async def _pass(
    viewer: Viewer,
    file_id: int,
    counts: dict[str, int],
    acceptance: Acceptance | None,
    before_merge: Callable[[], Awaitable[None]],
) -> None:
    if domain.unusual(counts):
        if acceptance is None or not acceptance.covers(counts):
            await repository.set_state(file_id, "UNUSUAL")
            return
        await _accept(viewer, file_id, counts, acceptance.by)
    await before_merge()
    await repository.set_state(file_id, "MERGING")


async def _accept(viewer: Viewer, file_id: int, counts: dict[str, int], accepted_by: str) -> None:
    await repository.accept_unusual(file_id, accepted_by)
    await audit.record(
        viewer=viewer,
        action="members.import.accept_unusual",
        object_type="MembershipFile",
        object_id=str(file_id),
        after={**counts, "unusual": domain.unusual(counts), "accepted_by": accepted_by},
    )


async def _refuse(file_id: int) -> None:
    """Refuse the second rows of persons; those that are refused already are in the report."""
    limit = staging.MAX_PROBLEMS_KEPT
    lines = []
    for number, first in await repository_merge.refuse_repeated(file_id, limit=limit):
        error = file_problems.RepeatedNationalCode(row=first)
        problem = CellProblem("national_code", error)
        lines.append(file_staging.problem_line(file_id, number, 0, problem))
    await repository.insert_problems("".join(lines).encode())
