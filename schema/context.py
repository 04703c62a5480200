"""What a resolver knows of its request: who asks, in which language, when, and the request's own loaders."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from starlette.requests import Request
from strawberry.types import Info as StrawberryInfo

from backend.core import clock, locale, viewer
from backend.core.locale import Locale
from backend.core.viewer import Viewer
from schema.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Context:
    """One request; `now` stays the same through it, so that its parts agree."""

    viewer: Viewer
    locale: Locale
    now: datetime
    loaders: Loaders = field(compare=False)


Info: TypeAlias = StrawberryInfo[Context, None]


def of_request(request: Request) -> Context:
    """The context of an HTTP request. Without a token the viewer is anonymous."""
    now = clock.now()
    asking = viewer.ANONYMOUS
    return Context(
        viewer=asking,
        locale=locale.negotiate(request.headers.get("accept-language")),
        now=now,
        loaders=Loaders(viewer=asking, now=now),
    )
