"""What several mutations of signing in, sessions and devices answer alike."""

from datetime import datetime

import strawberry

from backend.access import sessions
from backend.access.domain import Issued
from backend.access.service import Identity
from schema import members
from schema.context import Info
from schema.errors import UserError


@strawberry.type(description="The device's data are not of the form that is asked for.")
class DeviceInvalid(UserError):
    """BAD_USER_INPUT."""


@strawberry.type(description="Somebody is signed in. The tokens are shown this once.")
class SignedIn:
    """The success of signing in and of refreshing."""

    access_token: str = strawberry.field(
        description="For `Authorization: Bearer …`; good for ten minutes."
    )
    access_token_expires_at: datetime = strawberry.field(
        description="When it expires, by the clock of the server."
    )
    refresh_token: str = strawberry.field(
        description="For `sessionRefresh`. Keep it safe, and the one before until this one was used."
    )

    @strawberry.field(description="Who is signed in.")
    def viewer(self, info: Info) -> members.Viewer:
        """The new viewer."""
        return members.account_of(info.context.viewer)

    @strawberry.field(description="The member acted for; null where there is none.")
    def member(self, info: Info) -> members.Member | None:
        """The new viewer's member."""
        return members.acted_for(info)


def signed_in(info: Info, issued: Issued) -> SignedIn:
    """The tokens; what else is selected of the answer is read as the member who has signed in."""
    info.context.sign_in(Identity(sessions.viewer_of(issued.member_id), issued.session_id))
    return SignedIn(
        access_token=issued.access_token,
        access_token_expires_at=issued.access_token_expires_at,
        refresh_token=issued.refresh_token,
    )
