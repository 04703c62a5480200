"""News of changes that others commit, for who keeps a copy of their own in memory.

`follow` reads anew whenever a channel is rung: by NOTIFY in PostgreSQL (a trigger's, so that no writer can forget
it), by `announce` through Valkey, and by the clock, for the two may fail. All reading is done on one connection of
its own: where it is lost, or does not answer, that is known at once, and told.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import asyncpg
from redis.exceptions import RedisError

from backend.infra import cache, cache_server, db, db_connection, telemetry

POLL_SECONDS: Final = 0.4
RETRY_SECONDS: Final = 0.2
MISTAKE_SECONDS: Final = 5.0  # before another try, after what no loss explains
CONNECT_SECONDS: Final = 2.0
STATEMENT_SECONDS: Final = 10.0
RELAY_SECONDS: Final = 5.0
RELAY_RETRY_SECONDS: Final = 1.0

_LOSSES: Final = (
    OSError,  # time-outs, too
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a session whose end was read but not yet handled
    db.DatabaseUnavailable,
    db.StatementTimedOut,
)
_log = telemetry.logger(__name__)

Refresh = Callable[[db.RawConnection], Awaitable[None]]


class ConnectionLost(ConnectionError):
    """The connection that is listened on has ended."""


async def announce(channel: str) -> None:
    """Ring a channel through Valkey, after the commit of a change. Never raises: there are other ways."""
    with contextlib.suppress(cache.CacheNotConnected, cache_server.CacheUnavailable):
        await cache.ask(lambda redis: redis.publish(cache.KEY_PREFIX + channel, b""))


async def follow(
    url: str, channel: str, *, refresh: Refresh, lost: Callable[[BaseException], None]
) -> None:
    """Call `refresh` at once, whenever the channel is rung, and every POLL_SECONDS; never returns.

    `lost` is called with the reason as soon as the connection ends, or a refresh fails; after that a new connection
    is tried every RETRY_SECONDS. Failures that no loss explains are logged, and tried again every MISTAKE_SECONDS.
    """
    bell = asyncio.Event()
    relay = asyncio.create_task(_relay(channel, bell))
    reason: type[BaseException] | None = None

    async def refresh_and_be_well(connection: db.RawConnection) -> None:
        nonlocal reason
        await refresh(connection)
        reason = None

    try:
        while True:
            pause = RETRY_SECONDS
            try:
                async with _listening(url, channel, bell, lost) as connection:
                    await _refresh_at_each_ring(connection, bell, refresh_and_be_well)
            except _LOSSES as error:
                lost(error)
                if type(error) is not reason:
                    _log.warning("news.lost", channel=channel, error=type(error).__name__)
                reason = type(error)
            except Exception as error:  # noqa: BLE001 - who follows would go without news for ever
                lost(error)
                _log.exception("news.failed", channel=channel)
                pause = MISTAKE_SECONDS
            await asyncio.sleep(pause)
    finally:
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay


async def _refresh_at_each_ring(
    connection: db.RawConnection, bell: asyncio.Event, refresh: Refresh
) -> None:
    while True:
        bell.clear()
        await refresh(connection)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await bell.wait()


@contextlib.asynccontextmanager
async def _listening(
    url: str, channel: str, bell: asyncio.Event, lost: Callable[[BaseException], None]
) -> AsyncIterator[db.RawConnection]:
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        server_settings={
            "application_name": "bashgah-news",
            "jit": "off",
            "timezone": "UTC",
            **db_connection.SESSION_SETTINGS,
        },
    )

    def end(_connection: object) -> None:
        lost(ConnectionLost())
        bell.set()  # the next refresh then fails

    connection.add_termination_listener(end)
    try:
        await connection.add_listener(channel, lambda *_: bell.set())
        yield connection
    finally:
        connection.remove_termination_listener(end)
        # Not politely: a server that does not answer would keep us waiting.
        connection.terminate()


async def _relay(channel: str, bell: asyncio.Event) -> None:
    """Ring the bell when the channel is rung through Valkey, as long as there is one; whatever fails is retried."""
    is_well = True
    while True:
        try:
            async with cache.client().pubsub() as heard:
                await heard.subscribe(cache.KEY_PREFIX + channel)
                is_well = True
                while True:
                    if await heard.get_message(timeout=RELAY_SECONDS) is not None:
                        bell.set()
        except cache.CacheNotConnected:
            return
        except (RedisError, OSError) as error:
            if is_well:
                _log.warning("news.relay_lost", error=type(error).__name__)
            is_well = False
        except Exception:  # noqa: BLE001 - as above
            if is_well:
                _log.exception("news.relay_failed", channel=channel)
            is_well = False
        await asyncio.sleep(RELAY_RETRY_SECONDS)
