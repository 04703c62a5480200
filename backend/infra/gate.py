"""What every operation passes on its way in and on its way out: limits, counters, and the log of slow ones.

Nothing here waits in the steady state: all of it takes a few microseconds.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from backend.core import addresses
from backend.core.errors import RateLimited
from backend.core.viewer import ActorKind
from backend.infra import db, sealing
from backend.infra.access_log import AccessLog
from backend.infra.allowances import Allowance
from backend.infra.clients import Clients
from backend.infra.metrics import Metrics
from backend.infra.request_limits import RequestLimits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from backend.core.viewer import Viewer
    from backend.infra.clients import Client
    from backend.infra.db import StatementCount

# In an ASGI scope: whether the request was counted already, by a layer further out.
ADMITTED: Final = "bashgah.admitted"

_group = lru_cache(maxsize=8_192)(addresses.group)


class Gate:
    """The limits and counters of one process."""

    def __init__(
        self,
        limits: RequestLimits,
        *,
        clients: Clients,
        metrics: Metrics,
        access_log: AccessLog,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clients = clients
        self.metrics = metrics
        self.access_log = access_log
        self._monotonic = monotonic

        def allowance(
            name: str, most: int, name_of: Callable[[int | str], str] = str
        ) -> Allowance | None:
            return Allowance(name, most, name_of=name_of, monotonic=monotonic) if most else None

        self._accounts = allowance("account", limits.account)
        self._addresses = allowance("address", limits.address, _blind)
        self._clients = allowance("client", limits.client)

    @property
    def allowances(self) -> Mapping[str, Allowance]:
        """The limits that are on, by name."""
        named = {
            "account": self._accounts,
            "address": self._addresses,
            "client": self._clients,
        }
        return {name: each for name, each in named.items() if each is not None}

    def admit(
        self, account: str | None, address: str | None, client: Client
    ) -> RateLimited | Awaitable[RateLimited | None] | None:
        """Count a request of this account (see `account_of`), or else of this address; None lets it through.

        A request that must ask Valkey first gives something to await. A refusal is given, not raised.
        """
        now = self._monotonic()
        if account is not None:
            if self._accounts is not None and not self._accounts.take(account, now):
                return self._judge(self._accounts, account, client, now)
        elif self._addresses is not None:
            group = _group(address)
            if not self._addresses.take(group, now):
                return self._judge(self._addresses, group, client, now)
        return self._admit_client(client, now)

    async def enter(self, account: str | None, address: str | None, client: Client) -> None:
        """The same where waiting does no harm. Raises RateLimited."""
        answer = self.admit(account, address, client)
        refused = answer if answer is None or isinstance(answer, RateLimited) else await answer
        if refused is not None:
            raise refused

    def observe(
        self, operation: str | None, client: Client, tier: int, result: str, seconds: float
    ) -> bool:
        """Count an answered operation; gives whether it was slow, and is to be told by `access_log.slow_operation`.

        `tier` is 1 to 4, or 0 for what was not run; `result` is `metrics.OK` or the code of the first error.
        """
        self.metrics.count(operation, client, tier, result, seconds)
        return seconds >= self.access_log.slow_seconds

    def count_statements(self) -> AbstractContextManager[StatementCount]:
        """Count the statements of a block, for the log of slow operations."""
        return db.count_statements()

    def _judge(
        self, allowance: Allowance, key: str, client: Client, now: float
    ) -> RateLimited | Awaitable[RateLimited | None] | None:
        answer = allowance.judge(key, now)
        if answer is None:
            return self._admit_client(client, now)
        return answer if isinstance(answer, RateLimited) else self._then_client(answer, client)

    async def _then_client(
        self, answer: Awaitable[RateLimited | None], client: Client
    ) -> RateLimited | None:
        refused = await answer
        if refused is not None:
            return refused
        then = self._admit_client(client, self._monotonic())
        return then if then is None or isinstance(then, RateLimited) else await then

    def _admit_client(
        self, client: Client, now: float
    ) -> RateLimited | Awaitable[RateLimited | None] | None:
        if self._clients is None or self._clients.take(client.name, now):
            return None
        return self._clients.judge(client.name, now)


def account_of(viewer: Viewer) -> str | None:
    """The name of the account that a viewer's requests count for; None for who is not signed in."""
    return None if viewer.kind is ActorKind.ANONYMOUS else viewer.actor


def _blind(address: int | str) -> str:
    return sealing.current().blind_index(str(address), context="allowances.address").hex()[:32]


def open_gate(
    limits: RequestLimits | None = None,
    *,
    client_names: tuple[str, ...] = (),
    operations: frozenset[str] = frozenset(),
    access_log: AccessLog | None = None,
) -> Gate:
    """A gate with counters of its own; without limits it lets everybody through."""
    return Gate(
        limits or RequestLimits(account=0, address=0, client=0),
        clients=Clients(client_names),
        metrics=Metrics(operations),
        access_log=access_log or AccessLog(),
    )
