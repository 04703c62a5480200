"""Settings of how many requests come through, and from whom."""

from pydantic import BaseModel, Field

from backend.infra.request_limits import RequestLimits

MAX_COUNT = 1_000_000_000
CLIENT_NAMES = "bashgah-android bashgah-ios bashgah-web bashgah-console bashgah-campaigns"

_DEFAULTS = RequestLimits()


def _a_minute(default: int, description: str) -> int:
    """A limit, or 0 for none."""
    found: int = Field(default=default, ge=0, le=MAX_COUNT, description=description)
    return found


class RequestLimitSettings(BaseModel):
    """The limits of `backend/infra/gate.py`, in all processes together, and the clients that are told apart."""

    account_requests_per_minute: int = _a_minute(
        _DEFAULTS.account, "Requests of one who is signed in, in any minute; 0 for no limit."
    )
    address_requests_per_minute: int = _a_minute(
        _DEFAULTS.address,
        "Requests from an address without signing in; operators put thousands behind one.",
    )
    client_requests_per_minute: int = _a_minute(
        _DEFAULTS.client, "Requests of all who use a client, by the name that it gives itself."
    )
    client_names: str = Field(
        default=CLIENT_NAMES,
        pattern=r"^([a-z0-9-]+( [a-z0-9-]+){0,19})?$",
        description="Clients with a limit and figures of their own; others are one.",
    )

    def request_limits(self) -> RequestLimits:
        """These, as the gate wants them."""
        return RequestLimits(
            account=self.account_requests_per_minute,
            address=self.address_requests_per_minute,
            client=self.client_requests_per_minute,
        )
