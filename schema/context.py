"""What a resolver knows of its request: who asks, from where, in which language, when, and its own loaders."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from starlette.requests import Request
from strawberry.types import Info as StrawberryInfo

from backend.access import service as access
from backend.access.service import Identity
from backend.core import clock, locale, origin
from backend.core.locale import Locale
from backend.core.origin import Origin
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra.tokens import TokenInvalid
from schema.loaders import Loaders
from schema.member_loaders import MemberLoaders
from schema.operator_loaders import OperatorLoaders


@dataclass(frozen=True, slots=True)
class Context:
    """One request; `now` stays the same through it, so that its parts agree.

    `session_id` is the session that asks, `client_address` its IP address where one is known.
    """

    viewer: Viewer
    locale: Locale
    now: datetime
    loaders: Loaders = field(compare=False)
    session_id: UUID | None = None
    client_address: str | None = None
    support_phone: str | None = None
    member_loaders: MemberLoaders = field(init=False, compare=False)
    _operator_loaders: OperatorLoaders | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Make the loaders of what is the viewer's own, for the same viewer and moment."""
        object.__setattr__(self, "member_loaders", MemberLoaders(viewer=self.viewer, now=self.now))
        object.__setattr__(self, "_operator_loaders", None)

    @property
    def operator_loaders(self) -> OperatorLoaders:
        """The loaders of what operators look at; made when a field first asks, for most requests have none."""
        if self._operator_loaders is None:
            made = OperatorLoaders(viewer=self.viewer)
            object.__setattr__(self, "_operator_loaders", made)
            return made
        return self._operator_loaders

    def sign_in(self, identity: Identity) -> None:
        """From here on the request is asked by who has just signed in by it.

        The one change of a context: what a mutation answers of the member is read as that member.
        """
        object.__setattr__(self, "viewer", identity.viewer)
        object.__setattr__(self, "session_id", identity.session_id)
        origin.bind(Origin(self.client_address, identity.session_id))
        object.__setattr__(self, "loaders", Loaders(viewer=identity.viewer, now=self.now))
        self.__post_init__()


Info: TypeAlias = StrawberryInfo[Context, None]


async def of_request(
    request: Request, *, trusted_proxies: int = 0, support_phone: str | None = None
) -> Context:
    """The context of an HTTP request. Without a token the viewer is anonymous.

    A bad token makes nobody anonymous, who might take a stranger's answer for the own one: raises
    TokenInvalid, TokenExpired, and DatabaseUnavailable where it can't be told whether it was revoked.
    """
    now = clock.now()
    bearer = await _bearer(request)
    return of_viewer(
        request,
        viewer=ANONYMOUS if bearer is None else bearer.viewer,
        session_id=None if bearer is None else bearer.session_id,
        language=locale.negotiate(request.headers.get("accept-language")),
        now=now,
        trusted_proxies=trusted_proxies,
        support_phone=support_phone,
    )


def of_viewer(
    request: Request,
    *,
    viewer: Viewer,
    session_id: UUID | None,
    language: Locale,
    now: datetime,
    trusted_proxies: int = 0,
    support_phone: str | None = None,
) -> Context:
    """The context of an HTTP request of which is known already who asks, in which language and when.

    From here on the trail says of this request where it comes from.
    """
    address = client_address(request, trusted_proxies=trusted_proxies)
    origin.bind(Origin(address, session_id))
    return Context(
        viewer=viewer,
        locale=language,
        now=now,
        loaders=Loaders(viewer=viewer, now=now),
        session_id=session_id,
        client_address=address,
        support_phone=support_phone,
    )


def client_address(request: Request, *, trusted_proxies: int) -> str | None:
    """The client's address as the outermost of our proxies saw it; the connection's without any.

    Each proxy adds the address that it was called from at the end of X-Forwarded-For. What stands before
    those is the client's own claim. A request that did not pass all of them counts as its connection's.
    """
    connected = None if request.client is None else request.client.host
    if not trusted_proxies:
        return connected
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    if len(forwarded) < trusted_proxies:
        return connected
    return forwarded[-trusted_proxies].strip() or connected


async def _bearer(request: Request) -> Identity | None:
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].strip().partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise TokenInvalid
    return await access.identity_of_token(token.strip())
