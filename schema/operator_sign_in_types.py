"""What the mutations of an operator's own account take and answer."""

from typing import Annotated
from uuid import UUID

import strawberry

from schema.access_answers import DeviceInvalid, SignedIn
from schema.staff_answers import ActRefused, CredentialsInvalid


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


@strawberry.input(description="Says again who the operator is.")
class OperatorReauthenticateInput:
    """What `operatorReauthenticate` takes."""

    totp: str | None = strawberry.field(
        default=None,
        description="The six digits of the authenticator app, or one of the recovery codes. Without it nothing is "
        "confirmed.",
    )
    password: str | None = strawberry.field(
        default=None,
        description="Not needed, and not enough; where it is given, it has to be right.",
    )


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
    totp: str | None = strawberry.field(
        default=None,
        description="The six digits of the authenticator app, or one of the recovery codes; refused without.",
    )


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


@strawberry.input(description="Says again who the operator is, who gets the codes.")
class OperatorRecoveryCodesRenewInput:
    """What `operatorRecoveryCodesRenew` takes."""

    totp: str | None = strawberry.field(
        default=None,
        description="The six digits of the authenticator app, or one of the codes until now; refused without.",
    )
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
    OperatorRecoveryCodes | CredentialsInvalid | ActRefused,
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
