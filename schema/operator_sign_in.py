"""Operators: signing in, setting up an invited account, and saying again who they are."""

from typing import Annotated
from uuid import UUID

import strawberry

from backend.access import enrolment, operator_account, operator_sign_in, staff_refusals
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.domain import DeviceInvalid as DeviceInvalidError
from backend.access.passwords import PasswordInvalid
from backend.access.service import Identity
from backend.core.errors import DomainError
from backend.core.permissions import Permission
from schema import errors, staff_answers
from schema.access_answers import DeviceInvalid, SignedIn
from schema.context import Info
from schema.permissions import Requires
from schema.staff_answers import ActRefused, CredentialsInvalid, ReauthenticationNeeded


@strawberry.input(description="The browser or program in which an operator works.")
class OperatorDeviceInput:
    """A device."""

    id: str = strawberry.field(
        description="Random, kept by the device; one of 16 characters or more is known again, so that tries from "
        "elsewhere never make it wait. `sessionRefresh` has to name it."
    )
    name: str = strawberry.field(description="Shown in the operator's list of sessions.")


@strawberry.input(description="Who signs in as an operator.")
class OperatorSignInInput:
    """What `operatorSignIn` takes."""

    user_name: str = strawberry.field(description="In capital or small letters.")
    password: str = strawberry.field(description="The password.")
    totp: str = strawberry.field(
        description="The six digits of the authenticator app, or one of the recovery codes, each once."
    )
    device: OperatorDeviceInput | None = strawberry.field(
        default=None, description="Without one, `sessionRefresh` takes `console` as `deviceId`."
    )


OperatorSignInResult = Annotated[
    SignedIn | CredentialsInvalid | DeviceInvalid,
    strawberry.union("OperatorSignInResult", description="What `operatorSignIn` answers."),
]


@strawberry.input(description="Says again who the operator is: one of the two.")
class OperatorReauthenticateInput:
    """What `operatorReauthenticate` takes."""

    totp: str | None = strawberry.field(
        default=None, description="The six digits of the authenticator app."
    )
    password: str | None = strawberry.field(default=None, description="The password.")


@strawberry.type(
    description="For five minutes the session may do what moves money or gives rights."
)
class OperatorReauthenticated:
    """The success of `operatorReauthenticate`."""

    done: bool = strawberry.field(description="Always true.")


OperatorReauthenticateResult = Annotated[
    OperatorReauthenticated | CredentialsInvalid,
    strawberry.union(
        "OperatorReauthenticateResult", description="What `operatorReauthenticate` answers."
    ),
]


@strawberry.input(description="Another password.")
class OperatorPasswordChangeInput:
    """What `operatorPasswordChange` takes."""

    current_password: str = strawberry.field(description="The one until now.")
    new_password: str = strawberry.field(description="12 to 128 characters.")


@strawberry.type(description="The password is another one; the other sessions have ended.")
class OperatorPasswordChanged:
    """The success of `operatorPasswordChange`."""

    done: bool = strawberry.field(description="Always true.")


OperatorPasswordChangeResult = Annotated[
    OperatorPasswordChanged | CredentialsInvalid | ActRefused,
    strawberry.union(
        "OperatorPasswordChangeResult", description="What `operatorPasswordChange` answers."
    ),
]


@strawberry.input(description="Nothing is needed: the operator who asks gets the codes.")
class OperatorRecoveryCodesRenewInput:
    """What `operatorRecoveryCodesRenew` takes."""

    idempotency_key: UUID | None = strawberry.field(
        default=None, description="Not needed: the last codes made are the ones that are good."
    )


@strawberry.type(
    description="Recovery codes, shown this once; the ones before are good for nothing."
)
class OperatorRecoveryCodes:
    """The success of `operatorRecoveryCodesRenew` and of `operatorEnrolConfirm`."""

    recovery_codes: list[str] = strawberry.field(
        description="Each stands in for a one-time password, once."
    )


OperatorRecoveryCodesRenewResult = Annotated[
    OperatorRecoveryCodes | ReauthenticationNeeded | ActRefused,
    strawberry.union(
        "OperatorRecoveryCodesRenewResult", description="What `operatorRecoveryCodesRenew` answers."
    ),
]


@strawberry.input(description="Sets the password of an invited account.")
class OperatorEnrolBeginInput:
    """What `operatorEnrolBegin` takes."""

    user_name: str = strawberry.field(description="As the invitation says it.")
    invitation_code: str = strawberry.field(description="As it came by SMS.")
    password: str = strawberry.field(description="12 to 128 characters.")


@strawberry.type(description="The secret of the one-time passwords, shown this once.")
class OperatorEnrolBegun:
    """The success of `operatorEnrolBegin`."""

    totp_secret: str = strawberry.field(description="In base32, for an authenticator app.")
    otpauth_uri: str = strawberry.field(description="The same as a URI, for a QR code.")


OperatorEnrolBeginResult = Annotated[
    OperatorEnrolBegun | ActRefused,
    strawberry.union("OperatorEnrolBeginResult", description="What `operatorEnrolBegin` answers."),
]


@strawberry.input(description="Proves that the authenticator app works.")
class OperatorEnrolConfirmInput:
    """What `operatorEnrolConfirm` takes."""

    user_name: str = strawberry.field(description="As the invitation says it.")
    invitation_code: str = strawberry.field(description="As it came by SMS.")
    totp: str = strawberry.field(description="The six digits of the authenticator app.")


OperatorEnrolConfirmResult = Annotated[
    OperatorRecoveryCodes | ActRefused,
    strawberry.union(
        "OperatorEnrolConfirmResult", description="What `operatorEnrolConfirm` answers."
    ),
]


@strawberry.type
class OperatorSignInMutation:
    """The mutations of an operator's own account."""

    @strawberry.mutation(
        description="Signs an operator in. Needs no token. Whatever is wrong is answered alike, and alike long; tries "
        "in vain are slowed down, RATE_LIMITED."
    )
    async def operator_sign_in(
        self,
        info: Info,
        input: OperatorSignInInput,  # noqa: A002 - the contract's name
    ) -> OperatorSignInResult:
        """Sign in."""
        given = input.device
        try:
            device = (
                None if given is None else DeviceGiven(given.id, given.name, DevicePlatform.WEB)
            )
            found = await operator_sign_in.operator_sign_in(
                user_name=input.user_name,
                password=input.password,
                one_time_password=input.totp,
                device=device,
                address=info.context.client_address,
            )
        except DeviceInvalidError as error:
            return errors.user_error(DeviceInvalid, error, info.context.locale)
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        identity = Identity(found.viewer, found.issued.session_id)
        return staff_answers.signed_in(info, identity, found.issued)

    @strawberry.mutation(
        description="Lets the session do for five minutes what moves money or gives rights. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_reauthenticate(
        self,
        info: Info,
        input: OperatorReauthenticateInput,  # noqa: A002 - the contract's name
    ) -> OperatorReauthenticateResult:
        """Say again who it is."""
        try:
            await operator_sign_in.reauthenticate(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                password=input.password,
                one_time_password=input.totp,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        return OperatorReauthenticated(done=True)

    @strawberry.mutation(
        description="Sets another password; the operator's other sessions end. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_password_change(
        self,
        info: Info,
        input: OperatorPasswordChangeInput,  # noqa: A002 - the contract's name
    ) -> OperatorPasswordChangeResult:
        """Change the password."""
        try:
            await operator_account.change_password(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                current=input.current_password,
                new=input.new_password,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        except PasswordInvalid as error:
            return staff_answers.refused(info, error)
        return OperatorPasswordChanged(done=True)

    @strawberry.mutation(
        description="Makes new recovery codes. Needs an operator who confirmed who they are in the last five minutes.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_recovery_codes_renew(
        self,
        info: Info,
        input: OperatorRecoveryCodesRenewInput | None = None,  # noqa: A002 - the contract's name
    ) -> OperatorRecoveryCodesRenewResult:
        """Make new codes."""
        del input
        try:
            codes = await operator_account.renew_recovery_codes(viewer=info.context.viewer)
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return OperatorRecoveryCodes(recovery_codes=list(codes))

    @strawberry.mutation(
        description="Begins to set up an invited account: its password, and a secret for one-time passwords. Needs no "
        "token; said again, it begins anew."
    )
    async def operator_enrol_begin(
        self,
        info: Info,
        input: OperatorEnrolBeginInput,  # noqa: A002 - the contract's name
    ) -> OperatorEnrolBeginResult:
        """Set the password."""
        try:
            begun = await enrolment.begin(
                user_name=input.user_name,
                code=input.invitation_code,
                password=input.password,
                address=info.context.client_address,
            )
        except (staff_refusals.EnrolmentInvalid, PasswordInvalid) as error:
            return staff_answers.refused(info, error)
        return OperatorEnrolBegun(totp_secret=begun.totp_secret, otpauth_uri=begun.otpauth_uri)

    @strawberry.mutation(
        description="Finishes what `operatorEnrolBegin` has begun: the account can sign in. Needs no token."
    )
    async def operator_enrol_confirm(
        self,
        info: Info,
        input: OperatorEnrolConfirmInput,  # noqa: A002 - the contract's name
    ) -> OperatorEnrolConfirmResult:
        """Activate the account."""
        try:
            codes = await enrolment.confirm(
                user_name=input.user_name,
                code=input.invitation_code,
                one_time_password=input.totp,
                address=info.context.client_address,
            )
        except staff_refusals.EnrolmentInvalid as error:
            return staff_answers.refused(info, error)
        return OperatorRecoveryCodes(recovery_codes=list(codes))
