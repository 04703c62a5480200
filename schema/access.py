"""Signing in and out, sessions and devices: all mutations of access.

What anybody may meet (UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, UNAVAILABLE) is a top-level error; what an app
decides by is a member of the mutation's union.
"""

import strawberry

from schema.access_devices import DeviceMutation
from schema.access_sessions import SessionMutation
from schema.access_sign_in import SignInMutation


@strawberry.type
class AccessMutation(DeviceMutation, SessionMutation, SignInMutation):
    """The mutations of signing in, sessions and devices."""
