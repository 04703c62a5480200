"""Operators: signing in, setting up an invited account, and saying again who they are."""

import strawberry

from backend.access import (
    confirming,
    enrolment,
    operator_account,
    operator_sign_in,
    staff_refusals,
)
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.domain import DeviceInvalid as DeviceInvalidError
from backend.access.passwords import PasswordInvalid
from backend.access.service import Identity
from backend.core.permissions import Permission
from schema import errors, staff_answers
from schema.access_answers import DeviceInvalid
from schema.context import Info
from schema.operator_sign_in_types import (
    OperatorEnrolBeginInput,
    OperatorEnrolBeginResult,
    OperatorEnrolBegun,
    OperatorEnrolConfirmInput,
    OperatorEnrolConfirmResult,
    OperatorPasswordChanged,
    OperatorPasswordChangeInput,
    OperatorPasswordChangeResult,
    OperatorReauthenticated,
    OperatorReauthenticateInput,
    OperatorReauthenticateResult,
    OperatorRecoveryCodes,
    OperatorRecoveryCodesRenewInput,
    OperatorRecoveryCodesRenewResult,
    OperatorSignInInput,
    OperatorSignInResult,
)
from schema.permissions import Requires


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
        description="Lets the session do for five minutes what moves money or gives rights, by a one-time password or "
        "a recovery code. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_reauthenticate(
        self,
        info: Info,
        input: OperatorReauthenticateInput,  # noqa: A002 - the contract's name
    ) -> OperatorReauthenticateResult:
        """Say again who it is."""
        try:
            await confirming.reauthenticate(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                password=input.password,
                one_time_password=input.totp,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        return OperatorReauthenticated(done=True)

    @strawberry.mutation(
        description="Sets another password, by the one until now and a one-time password or recovery code; the "
        "operator's other sessions end. Needs an operator.",
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
                one_time_password=input.totp,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        except PasswordInvalid as error:
            return staff_answers.refused(info, error)
        return OperatorPasswordChanged(done=True)

    @strawberry.mutation(
        description="Makes new recovery codes, by a one-time password or one of the codes until now. Needs an "
        "operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_recovery_codes_renew(
        self,
        info: Info,
        input: OperatorRecoveryCodesRenewInput | None = None,  # noqa: A002 - the contract's name
    ) -> OperatorRecoveryCodesRenewResult:
        """Make new codes."""
        try:
            codes = await operator_account.renew_recovery_codes(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                one_time_password=None if input is None else input.totp,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
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
