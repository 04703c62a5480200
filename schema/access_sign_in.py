"""Signing in by a code: what an app sends, and what it is answered."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from backend.access import code_requests, domain, sign_in
from backend.access.domain import DevicePlatform
from backend.core.locale import Locale
from schema import access_answers, errors
from schema.access_answers import DeviceInvalid, SignedIn
from schema.context import Info
from schema.errors import UserError
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
        description="The app's hash for Android's SMS retriever: 11 characters. The message ends with it where it is "
        "one of the hashes that the club knows as its own.",
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
    expires_at: datetime = strawberry.field(
        description="When a code sent now expires: two minutes from its sending, which may be a little later."
    )
    resend_at: datetime = strawberry.field(description="When another code may be asked for.")
    help: SignInHelp = strawberry.field(description="What to do where no code comes.")


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


@strawberry.type
class SignInMutation:
    """The mutations of signing in."""

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
        except code_requests.RetrieverHashInvalid as error:
            return errors.user_error(RetrieverHashInvalid, error, context.locale)
        return SignInCodeSent(
            request_id=sent.request_id,
            expires_at=sent.expires_at,
            resend_at=sent.resend_at,
            help=SignInHelp(text=sign_in.HELP[context.locale], phone=context.support_phone),
        )

    @strawberry.mutation(
        description="Signs in with the code that came by SMS. Needs no token. Who lost the answer asks again with the "
        "same code, and gets the same refresh token."
    )
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
        except domain.ProvinceNotOpen as error:
            return _province_not_open(error, locale)
        except code_requests.CodeMalformed as error:
            return errors.user_error(CodeMalformed, error, locale)
        except code_requests.CodeInvalid as error:
            return errors.user_error(CodeInvalid, error, locale)
        except domain.MemberFileClosed as error:
            return errors.user_error(MemberFileClosed, error, locale)
        return access_answers.signed_in(info, signed_in.issued)


def _province_not_open(error: domain.ProvinceNotOpen, locale: Locale) -> ProvinceNotOpen:
    return ProvinceNotOpen(
        code=error.code,
        message=error.message(locale),
        hint=error.hint(locale),
        field=None,
        province=error.province_name(locale),
    )
