"""Signing in and out, sessions and devices: what an app sends, and what it is answered.

What anybody may meet (UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, UNAVAILABLE) is a top-level error; what an app
decides by is a member of the mutation's union.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from backend.access import codes, devices, domain, service, sessions, sign_in
from backend.access.domain import DevicePlatform, Issued, PushProvider
from backend.access.service import Identity
from backend.core import ids
from backend.core.errors import NotFound
from backend.core.ids import InvalidGlobalId
from backend.core.locale import Locale
from backend.members.domain import SELF
from schema import access_types, errors, members
from schema.access_types import Device
from schema.context import Info
from schema.errors import UserError
from schema.permissions import Requires
from schema.scalars import NationalCode, PhoneNumber


@strawberry.input(description="The device on which somebody wants to sign in.")
class SignInDeviceInput:
    """A device."""

    id: str = strawberry.field(
        description="Random, made at the app's installation and kept; 1 to 128 printable ASCII characters."
    )
    name: str = strawberry.field(description="Shown in the member's list of sessions.")
    platform: DevicePlatform = strawberry.field(description="What the app runs on.")
    sms_retriever_hash: str | None = strawberry.field(
        default=None,
        description="The app's hash for Android's SMS retriever: 11 characters. The message ends with it.",
    )


@strawberry.input(description="Who wants to sign in, and where.")
class SignInCodeRequestInput:
    """What `signInCodeRequest` takes."""

    national_code: NationalCode = strawberry.field(description="The member's national code.")
    phone: PhoneNumber = strawberry.field(description="The phone that the club knows.")
    device: SignInDeviceInput = strawberry.field(description="The device.")


@strawberry.type(description="What helps somebody whose code does not come.")
class SignInHelp:
    """Help with the code."""

    text: str = strawberry.field(description="In the viewer's language.")
    phone: str | None = strawberry.field(
        description="The support's number in E.164; null where there is none."
    )


@strawberry.type(
    description="The request is taken. Everybody is answered so; a code is sent to members only."
)
class SignInCodeSent:
    """The success of `signInCodeRequest`."""

    request_id: UUID = strawberry.field(
        description="For `signInCodeConfirm`. Asked again from the same device it stays the same."
    )
    expires_at: datetime = strawberry.field(description="When a code sent now expires.")
    resend_at: datetime = strawberry.field(description="When another code may be asked for.")
    help: SignInHelp = strawberry.field(description="What to do where no code comes.")


@strawberry.type(description="The device's data are not of the form that is asked for.")
class DeviceInvalid(UserError):
    """BAD_USER_INPUT."""


@strawberry.type(description="The hash for the SMS retriever has not 11 characters.")
class RetrieverHashInvalid(UserError):
    """BAD_USER_INPUT."""


SignInCodeRequestResult = Annotated[
    SignInCodeSent | DeviceInvalid | RetrieverHashInvalid,
    strawberry.union("SignInCodeRequestResult", description="What `signInCodeRequest` answers."),
]


@strawberry.input(description="The code that came by SMS.")
class SignInCodeConfirmInput:
    """What `signInCodeConfirm` takes."""

    request_id: UUID = strawberry.field(description="As `signInCodeRequest` answered it.")
    code: str = strawberry.field(description="Six digits of any keyboard.")
    device_id: str = strawberry.field(description="The device that asked for the code.")


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
        asking = info.context.viewer
        return members.Viewer(person=asking.actor, roles=[asking.kind.value])

    @strawberry.field(description="The member acted for; null where there is none.")
    def member(self, info: Info) -> members.Member | None:
        """The new viewer's member."""
        return members.acted_for(info)


@strawberry.type(
    description="The code was right, and the club has not begun in the member's province yet."
)
class ProvinceNotOpen(UserError):
    """PROVINCE_NOT_OPEN."""

    province: str = strawberry.field(description="Its name in the viewer's language.")


@strawberry.type(
    description="The code is wrong, late, used, tried too often, or of another request or device."
)
class CodeInvalid(UserError):
    """CODE_INVALID."""


@strawberry.type(description="What was typed is not six digits; it does not count as a try.")
class CodeMalformed(UserError):
    """BAD_USER_INPUT."""


@strawberry.type(description="The code was right, and the file is that of a member who has died.")
class MemberFileClosed(UserError):
    """MEMBER_FILE_CLOSED."""


SignInCodeConfirmResult = Annotated[
    SignedIn | ProvinceNotOpen | CodeInvalid | CodeMalformed | MemberFileClosed,
    strawberry.union("SignInCodeConfirmResult", description="What `signInCodeConfirm` answers."),
]


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


@strawberry.type(description="The session has lasted 90 days: sign in again.")
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

    session_id: strawberry.ID = strawberry.field(description="One of `Member.sessions`.")


SessionRevokeResult = Annotated[
    SessionEnded | SessionNotFound,
    strawberry.union("SessionRevokeResult", description="What `sessionRevoke` answers."),
]


@strawberry.input(description="How a device is reached.")
class DeviceRegisterInput:
    """What `deviceRegister` takes."""

    device_id: str = strawberry.field(description="The device that signed in.")
    platform: DevicePlatform = strawberry.field(description="What the app runs on.")
    push_provider: PushProvider = strawberry.field(description="NONE without a push token.")
    push_token: str | None = strawberry.field(
        default=None, description="As the provider gave it; null where there is none."
    )
    app_version: str = strawberry.field(description="Such as `1.4.2`.")
    locale: Locale = strawberry.field(description="The language of the app.")


@strawberry.type(description="The device is known, and reached where it gave a push token.")
class DeviceRegistered:
    """The success of `deviceRegister`."""

    device: Device = strawberry.field(description="The device.")


DeviceRegisterResult = Annotated[
    DeviceRegistered | DeviceInvalid,
    strawberry.union("DeviceRegisterResult", description="What `deviceRegister` answers."),
]


@strawberry.input(description="A device that is not to be reached any more.")
class DeviceUnregisterInput:
    """What `deviceUnregister` takes."""

    device_id: str = strawberry.field(description="The device.")


@strawberry.type(description="The device is forgotten; its sessions live on.")
class DeviceUnregistered:
    """The success of `deviceUnregister`."""

    device_id: str = strawberry.field(description="The device.")


DeviceUnregisterResult = Annotated[
    DeviceUnregistered | DeviceInvalid,
    strawberry.union("DeviceUnregisterResult", description="What `deviceUnregister` answers."),
]


@strawberry.type
class AccessMutation:
    """The mutations of signing in, sessions and devices."""

    @strawberry.mutation(
        description="Asks for a sign-in code by SMS. Everybody is answered alike. Needs no token; asked again from "
        "the same device, it keeps its requestId, and the last two codes stay good."
    )
    async def sign_in_code_request(
        self,
        info: Info,
        input: SignInCodeRequestInput,  # noqa: A002 - the contract's name
    ) -> SignInCodeRequestResult:
        """Arrange for a code."""
        context = info.context
        try:
            sent = await sign_in.sign_in_code_request(
                national_code=input.national_code,
                phone=input.phone,
                device=domain.DeviceGiven(
                    input.device.id, input.device.name, input.device.platform
                ),
                address=context.client_address,
                locale=context.locale,
                retriever_hash=input.device.sms_retriever_hash,
            )
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, context.locale)
        except codes.RetrieverHashInvalid as error:
            return errors.user_error(RetrieverHashInvalid, error, context.locale)
        return SignInCodeSent(
            request_id=sent.request_id,
            expires_at=sent.expires_at,
            resend_at=sent.resend_at,
            help=SignInHelp(text=sign_in.HELP[context.locale], phone=context.support_phone),
        )

    @strawberry.mutation(description="Signs in with the code that came by SMS. Needs no token.")
    async def sign_in_code_confirm(
        self,
        info: Info,
        input: SignInCodeConfirmInput,  # noqa: A002 - the contract's name
    ) -> SignInCodeConfirmResult:
        """Use up a code."""
        locale = info.context.locale
        try:
            signed_in = await sign_in.sign_in_code_confirm(
                request_id=input.request_id,
                code=input.code,
                device_id=input.device_id,
                address=info.context.client_address,
            )
        except sign_in.ProvinceNotOpen as error:
            return _province_not_open(error, locale)
        except sign_in.CodeMalformed as error:
            return errors.user_error(CodeMalformed, error, locale)
        except codes.CodeInvalid as error:
            return errors.user_error(CodeInvalid, error, locale)
        except sign_in.MemberFileClosed as error:
            return errors.user_error(MemberFileClosed, error, locale)
        return _signed_in(info, signed_in.issued)

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
        return _signed_in(info, issued)

    @strawberry.mutation(
        description="Signs out of the session that asks. Needs a member.",
        extensions=[Requires(SELF)],
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
            return errors.user_error(SessionNotFound, NotFound(), info.context.locale)
        await service.session_end(viewer=info.context.viewer, session_id=session_id)
        return SessionEnded(session_id=None)

    @strawberry.mutation(
        description="Ends one of the member's sessions, on whichever device; repeated, it changes nothing. Needs a "
        "member.",
        extensions=[Requires(SELF)],
    )
    async def session_revoke(
        self,
        info: Info,
        input: SessionRevokeInput,  # noqa: A002 - the contract's name
    ) -> SessionRevokeResult:
        """End a session."""
        try:
            await service.session_revoke(
                viewer=info.context.viewer, session_key=_own_session_key(info, input.session_id)
            )
        except (NotFound, InvalidGlobalId) as error:
            return errors.user_error(SessionNotFound, error, info.context.locale)
        return SessionEnded(session_id=input.session_id)

    @strawberry.mutation(
        description="Tells how a device is reached by push messages; said again, it holds anew. Needs a member.",
        extensions=[Requires(SELF)],
    )
    async def device_register(
        self,
        info: Info,
        input: DeviceRegisterInput,  # noqa: A002 - the contract's name
    ) -> DeviceRegisterResult:
        """Register a device."""
        try:
            found = await devices.register_device(
                viewer=info.context.viewer,
                registration=domain.DeviceRegistration(
                    device_id=input.device_id,
                    platform=input.platform,
                    push_provider=input.push_provider,
                    push_token=input.push_token,
                    app_version=input.app_version,
                    locale=input.locale,
                ),
            )
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, info.context.locale)
        return DeviceRegistered(device=access_types.device(found))

    @strawberry.mutation(
        description="Forgets a device: no push message reaches it any more. Needs a member; repeated, it changes "
        "nothing.",
        extensions=[Requires(SELF)],
    )
    async def device_unregister(
        self,
        info: Info,
        input: DeviceUnregisterInput,  # noqa: A002 - the contract's name
    ) -> DeviceUnregisterResult:
        """Forget a device."""
        try:
            await devices.unregister_device(viewer=info.context.viewer, device_id=input.device_id)
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, info.context.locale)
        return DeviceUnregistered(device_id=input.device_id)


def _signed_in(info: Info, issued: Issued) -> SignedIn:
    """The tokens; what else is selected of the answer is read as the member who has signed in."""
    info.context.sign_in(Identity(sessions.viewer_of(issued.member_id), issued.session_id))
    return SignedIn(
        access_token=issued.access_token,
        access_token_expires_at=issued.access_token_expires_at,
        refresh_token=issued.refresh_token,
    )


def _province_not_open(error: sign_in.ProvinceNotOpen, locale: Locale) -> ProvinceNotOpen:
    return ProvinceNotOpen(
        code=error.code,
        message=error.message(locale),
        hint=error.hint(locale),
        field=None,
        province=error.province_name(locale),
    )


def _own_session_key(info: Info, given: strawberry.ID) -> int:
    wanted = ids.decode(given, expected="Session")
    if wanted.member_id != info.context.viewer.subject:
        raise NotFound(field=("sessionId",))
    return wanted.key
