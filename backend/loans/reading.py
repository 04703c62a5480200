"""Loan rounds as a read view: what `service` lists, with the same refusals."""

from backend.core.viewer import Viewer
from backend.deductions import service as deductions
from backend.infra.readviews.views import Bound
from backend.loans import domain, views
from backend.loans.domain import LoanRoundState


def read_rounds(*, viewer: Viewer, state: LoanRoundState | None) -> Bound:
    """What `service.list_rounds` lists. Raises Unauthenticated or Forbidden."""
    deductions.own_member_id(viewer)
    return Bound(
        views.ROUNDS,
        owner=0,
        conditions=() if state is None else (("state", state.value),),
        first=domain.MAX_ROUNDS,
    )
