"""What the mutations of operators and cashiers answer alike: refusals, and who has just signed in."""

from typing import TypeAlias

import strawberry

from backend.access.service import Identity
from backend.access.staff import StaffIssued
from backend.core import viewer
from backend.core.errors import DomainError, Forbidden, RateLimited, Unauthenticated, Unavailable
from backend.core.ids import InvalidGlobalId
from schema import errors
from schema.access_answers import SignedIn
from schema.context import Info
from schema.errors import UserError
from schema.relay import public_key

_TOP_LEVEL = (Unauthenticated, Forbidden, RateLimited, Unavailable)


@strawberry.type(
    description="The act moves money or gives rights: confirm with `operatorReauthenticate`, and send it again within "
    "five minutes."
)
class ReauthenticationNeeded(UserError):
    """REAUTHENTICATION_NEEDED."""


@strawberry.type(description="The act was refused and changed nothing; `code` says why.")
class ActRefused(UserError):
    """Every other refusal of what operators and cashiers do."""


@strawberry.type(
    description="User name, password, one-time password or device is wrong, or the account cannot sign in."
)
class CredentialsInvalid(UserError):
    """CREDENTIALS_INVALID."""


Refusal: TypeAlias = ReauthenticationNeeded | ActRefused


def refusal(info: Info, error: DomainError) -> Refusal:
    """The answer to a refusal; what any request may meet is raised again, for the top level."""
    if isinstance(error, _TOP_LEVEL):
        raise error
    kind: type[Refusal] = ActRefused
    if isinstance(error, viewer.ReauthenticationNeeded):
        kind = ReauthenticationNeeded
    return errors.user_error(kind, error, info.context.locale)


def refused(info: Info, error: DomainError) -> ActRefused:
    """The same where nobody needs to confirm who they are."""
    if isinstance(error, _TOP_LEVEL):
        raise error
    return errors.user_error(ActRefused, error, info.context.locale)


def key(given: strawberry.ID, type_name: str, *, field: str) -> int:
    """The key of an id of this type in a mutation's input. Raises InvalidGlobalId, which names the field."""
    try:
        return public_key(given, type_name)
    except InvalidGlobalId as error:
        raise InvalidGlobalId(field=(field,)) from error


def credentials_invalid(info: Info, error: DomainError) -> CredentialsInvalid:
    """The one answer to everything that is wrong with signing in."""
    return errors.user_error(CredentialsInvalid, error, info.context.locale)


def signed_in(info: Info, identity: Identity, issued: StaffIssued) -> SignedIn:
    """The tokens; what else is selected of the answer is read as who has signed in."""
    info.context.sign_in(identity)
    return SignedIn(
        access_token=issued.access_token,
        access_token_expires_at=issued.access_token_expires_at,
        refresh_token=issued.refresh_token,
    )
