"""Sessions: how they go on and end."""

from typing import Annotated
from uuid import UUID

import strawberry

from backend.access import domain, service
from backend.core import ids
from backend.core.errors import NotFound
from backend.core.ids import InvalidGlobalId
from backend.members.domain import SELF
from schema import access_answers, errors, staff_answers
from schema.access_answers import DeviceInvalid, SignedIn
from schema.context import Info
from schema.errors import UserError
from schema.relay import public_key


@strawberry.input(description="The session that is to go on.")
class SessionRefreshInput:
    """What `sessionRefresh` takes."""

    refresh_token: str = strawberry.field(description="The last one that the app was given.")
    device_id: str = strawberry.field(description="The device that signed in.")
    idempotency_key: UUID | None = strawberry.field(
        default=None, description="The same for each repetition of one refresh; may be left out."
    )


@strawberry.type(
    description="The refresh token is none of ours, or its session has ended: sign in again."
)
class SessionInvalid(UserError):
    """SESSION_INVALID."""


@strawberry.type(description="The session has lasted as long as it may: sign in again.")
class SessionExpired(UserError):
    """SESSION_EXPIRED."""


@strawberry.type(
    description="The token was used with another idempotency key before; nothing was changed."
)
class RefreshKeyMismatch(UserError):
    """REFRESH_KEY_MISMATCH."""


SessionRefreshResult = Annotated[
    SignedIn | SessionInvalid | SessionExpired | RefreshKeyMismatch | DeviceInvalid,
    strawberry.union("SessionRefreshResult", description="What `sessionRefresh` answers."),
]


@strawberry.input(description="Nothing is needed: the session that asks is the one that ends.")
class SessionEndInput:
    """What `sessionEnd` takes."""

    idempotency_key: UUID | None = strawberry.field(
        default=None, description="Not needed: to end a session again changes nothing."
    )


@strawberry.type(description="The session has ended; its access token is refused within a second.")
class SessionEnded:
    """The success of `sessionEnd` and `sessionRevoke`."""

    session_id: strawberry.ID | None = strawberry.field(
        description="The session of `sessionRevoke`; null for the one that asked."
    )


@strawberry.type(description="The member has no such session, or the token belongs to none.")
class SessionNotFound(UserError):
    """NOT_FOUND or BAD_USER_INPUT."""


SessionEndResult = Annotated[
    SessionEnded | SessionNotFound,
    strawberry.union("SessionEndResult", description="What `sessionEnd` answers."),
]


@strawberry.input(description="A session that is to end.")
class SessionRevokeInput:
    """What `sessionRevoke` takes."""

    session_id: strawberry.ID = strawberry.field(
        description="One of `Member.sessions`, or of an operator's or cashier's own."
    )


SessionRevokeResult = Annotated[
    SessionEnded | SessionNotFound,
    strawberry.union("SessionRevokeResult", description="What `sessionRevoke` answers."),
]


@strawberry.type
class SessionMutation:
    """The mutations of sessions."""

    @strawberry.mutation(
        description="Exchanges a refresh token for a new pair of tokens. Needs no token, and none that has expired "
        "may be sent along. Who lost the answer asks again with the same token, and the same key where there was one."
    )
    async def session_refresh(
        self,
        info: Info,
        input: SessionRefreshInput,  # noqa: A002 - the contract's name
    ) -> SessionRefreshResult:
        """Go on with a session."""
        locale = info.context.locale
        try:
            if service.is_of_staff(input.refresh_token):
                return await _staff_refreshed(info, input)
            issued = await service.session_refresh(
                refresh_token=input.refresh_token,
                device_id=input.device_id,
                idempotency_key=input.idempotency_key,
            )
        except domain.SessionInvalid as error:
            return errors.user_error(SessionInvalid, error, locale)
        except domain.SessionExpired as error:
            return errors.user_error(SessionExpired, error, locale)
        except domain.RefreshKeyMismatch as error:
            return errors.user_error(RefreshKeyMismatch, error, locale)
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, locale)
        return access_answers.signed_in(info, issued)

    @strawberry.mutation(
        description="Signs out of the session that asks. Needs a token.",
    )
    async def session_end(
        self,
        info: Info,
        input: SessionEndInput | None = None,  # noqa: A002 - the contract's name
    ) -> SessionEndResult:
        """End the session that asks."""
        del input
        session_id = info.context.session_id
        if session_id is None:
            info.context.viewer.require(SELF)
            return errors.user_error(SessionNotFound, NotFound(), info.context.locale)
        await service.session_end(viewer=info.context.viewer, session_id=session_id)
        return SessionEnded(session_id=None)

    @strawberry.mutation(
        description="Ends one of the viewer's own sessions, on whichever device; repeated, it changes nothing. Needs a "
        "token.",
    )
    async def session_revoke(
        self,
        info: Info,
        input: SessionRevokeInput,  # noqa: A002 - the contract's name
    ) -> SessionRevokeResult:
        """End a session."""
        if info.context.viewer.kind not in service.STAFF:
            info.context.viewer.require(SELF)
        try:
            await service.session_revoke(
                viewer=info.context.viewer, session_key=_own_session_key(info, input.session_id)
            )
        except (NotFound, InvalidGlobalId) as error:
            return errors.user_error(SessionNotFound, error, info.context.locale)
        return SessionEnded(session_id=input.session_id)


async def _staff_refreshed(info: Info, given: SessionRefreshInput) -> SignedIn:
    identity, issued = await service.staff_session_refresh(
        refresh_token=given.refresh_token,
        device_id=given.device_id,
        idempotency_key=given.idempotency_key,
    )
    return staff_answers.signed_in(info, identity, issued)


def _own_session_key(info: Info, given: strawberry.ID) -> int:
    if info.context.viewer.kind in service.STAFF:
        return public_key(given, "StaffSession")
    wanted = ids.decode(given, expected="Session")
    if wanted.member_id != info.context.viewer.subject:
        raise NotFound(field=("sessionId",))
    return wanted.key
