"""The member's own file as a read view."""

from backend.core.errors import NotFound
from backend.core.viewer import Viewer
from backend.infra.readviews.views import Bound
from backend.members import views
from backend.members.domain import SELF


def read_file(*, viewer: Viewer) -> Bound:
    """The file of the member acted for. Raises Unauthenticated, Forbidden, or NotFound where there is none."""
    viewer.require(SELF)
    if viewer.subject is None:
        raise NotFound
    return Bound(views.FILE, viewer.subject)
