"""Signing in and out, sessions, devices, operators and cashiers: all of access.

What anybody may meet (UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, UNAVAILABLE) is a top-level error; what an app
decides by is a member of the mutation's union.
"""

import strawberry

from schema.access_devices import DeviceMutation
from schema.access_sessions import SessionMutation
from schema.access_sign_in import SignInMutation
from schema.emergencies import EmergenciesMutation, EmergenciesQuery
from schema.operator_sign_in import OperatorSignInMutation
from schema.operators import OperatorsMutation, OperatorsQuery
from schema.store_staff import StoreStaffMutation, StoreStaffQuery


@strawberry.type
class AccessMutation(
    DeviceMutation,
    SessionMutation,
    SignInMutation,
    OperatorSignInMutation,
    EmergenciesMutation,
    OperatorsMutation,
    StoreStaffMutation,
):
    """The mutations of signing in, sessions, devices, operators and cashiers."""


@strawberry.type
class AccessQuery(EmergenciesQuery, OperatorsQuery, StoreStaffQuery):
    """The root fields of operators and cashiers."""
