"""The second person of an unusual membership file: asked by the run that found it, and what follows the decision."""

from dataclasses import replace
from typing import Final

from backend.approvals import service as approvals
from backend.approvals.domain import Approval, Execution
from backend.core import calendar
from backend.core.permissions import Permission
from backend.core.viewer import SYSTEM, Viewer
from backend.imports import domain, ending, refusals, repository
from backend.imports.domain import FileImport, ImportState
from backend.infra import jobs
from backend.members import domain as members
from backend.members.importing import MembershipOutcome

_REASON: Final = "پروندهٔ عضویت ماه {month} غیرعادی است."


async def ask(viewer: Viewer, found: FileImport, outcome: MembershipOutcome) -> FileImport:
    """Let an import wait for somebody who decides about its figures; in the caller's transaction, which has locked it.

    Raises ApprovalAlreadyAsked.
    """
    counts = dict(outcome.counts)
    seen = replace(found, counts=counts)
    figures, usual = members.figures(counts), members.most_usual(counts)
    approval = await approvals.ask(
        viewer=viewer,
        kind=domain.APPROVAL_KIND,
        object_type=domain.OBJECT,
        object_id=str(found.id),
        member_id=None,
        payload={},
        before={"active_members": counts["active_before"], "usual": usual},
        after={
            "month": calendar.format_month(outcome.month),
            "rows": counts["rows"],
            "unusual": list(outcome.unusual),
            "figures": figures,
        },
        money_effect_rials=None,
        reason=_REASON.format(month=calendar.format_month(outcome.month)),
        approve_permission=Permission.MEMBERS_IMPORT_APPROVE,
        fingerprint=domain.fingerprint(seen),
        province_code=None,
        expires_in=domain.APPROVAL_LIFETIME,
        not_before=None,
    )
    return await repository.save_waiting(
        found.id, approval_id=approval.id, counts=counts, unusual=outcome.unusual
    )


async def let_pass(execution: Execution) -> None:
    """Have the file imported with the figures that were approved; the executor of `domain.APPROVAL_KIND`."""
    approval = execution.approval
    found = await repository.lock(int(approval.object_id))
    execution.require_unchanged(
        None if found is None or not _waits_for(found, approval) else domain.fingerprint(found),
        province_code=None,  # a membership file is of the whole nation
        association_id=None,
    )
    accepted = await repository.accept(
        int(approval.object_id), accepted_by=str(approval.granted_by)
    )
    await ending.record(execution.viewer, "imports.accept", accepted)
    await jobs.enqueue(domain.RUN_JOB, {"import_id": accepted.id}, dedupe_key=str(accepted.id))


async def dropped(approval: Approval) -> None:
    """End the import whose file nobody lets pass; in the transaction that closes the approval."""
    found = await repository.lock(int(approval.object_id))
    if found is None or not _waits_for(found, approval):
        return
    await ending.end(
        found,
        ImportState.REFUSED,
        viewer=SYSTEM,
        action="imports.refused",
        error=refusals.FileImportRefused(),
        error_text=approval.outcome_text,
    )


def _waits_for(found: FileImport, approval: Approval) -> bool:
    waits = found.state is ImportState.WAITING_FOR_APPROVAL
    return waits and found.approval_id == approval.id
