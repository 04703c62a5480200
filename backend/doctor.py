"""`bashgah doctor`: is everything there that the system needs, and if not, what is to be done?"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from backend.audit import examining as sealing_state
from backend.core import clock
from backend.infra import cache_server, db, db_connection, migrations, rights
from backend.infra.sealing import Sealer
from backend.infra.signing import Signer
from backend.settings import Settings
from migrations.rights import APP_ROLE

LEAST_POSTGRESQL = 180_000
EXTENSIONS = ("pg_trgm", "cube", "btree_gist")
MOST_SKEW = timedelta(seconds=2)
MOST_UNSEALED = timedelta(minutes=10)
_TIMEOUT_SECONDS = 5
_WRONG_CTYPE = "create the database with LC_CTYPE 'C.UTF-8'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where it is well."""

    what: str
    seen: str
    remedy: str = ""


async def examine(settings: Settings, console: Console) -> bool:
    """Print a table of findings; whether all is well."""
    findings = [
        *_settings(settings),
        *_clock(),
        *await _safely(
            "database",
            settings.database_url,
            partial(_database, sealer=settings.sealer(), signer=settings.signer()),
        ),
        *await _safely("cache", settings.cache_url or "", _cache),
    ]
    table = Table("", "what", "seen", "to do", box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        mark = "[red]✗[/]" if finding.remedy else "[green]✓[/]"
        table.add_row(mark, finding.what, finding.seen, finding.remedy)
    console.print(table)
    return not any(finding.remedy for finding in findings)


def _settings(settings: Settings) -> list[Finding]:
    unsafe = [] if settings.is_production else settings.unsafe_values()
    seen = f"BASHGAH_ENV={settings.env.value}"
    if unsafe:
        seen += f", {len(unsafe)} values that production would refuse"
    return [Finding("settings", seen)]


def _clock() -> list[Finding]:
    offset = datetime.now(UTC).astimezone(clock.TEHRAN).utcoffset()
    expected = timedelta(hours=3, minutes=30)
    remedy = "" if offset == expected else "update the package tzdata: Tehran has no summer time"
    return [Finding("time zone", f"Tehran is UTC+{offset}", remedy)]


async def _safely(
    what: str, url: str, check: Callable[[str], Awaitable[list[Finding]]]
) -> list[Finding]:
    variable = f"BASHGAH_{what.upper()}_URL"
    if not url:
        remedy = f"set {variable}" if what == "database" else ""
        return [Finding(what, f"{variable} is not set", remedy)]
    try:
        return await check(url)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        remedy = f"is the server of {variable} running, and does it let us in?"
        return [Finding(what, f"{type(error).__name__} on connecting", remedy)]


async def _database(url: str, *, sealer: Sealer, signer: Signer) -> list[Finding]:
    connection = await asyncpg.connect(
        url, timeout=_TIMEOUT_SECONDS, server_settings=db_connection.SESSION_SETTINGS
    )
    try:
        findings = [
            await _version(connection),
            await _encoding(connection),
            await _ctype(connection),
            *[await _extension(connection, name) for name in EXTENSIONS],
            await _server_clock(connection),
        ]
        if not any(finding.remedy for finding in findings):
            findings.append(await _trigrams(connection))
        findings.append(await _sealing_keys(connection, sealer))
        findings.append(await _rights(connection))
        findings += await _trail(connection, signer)
        findings.append(await _operators(connection))
    finally:
        await connection.close()
    waiting = await migrations.pending(url)
    seen = ", ".join(waiting) or "all applied"
    return [*findings, Finding("migrations", seen, "run `bashgah migrate`" if waiting else "")]


async def _version(connection: db.RawConnection) -> Finding:
    number = int(await connection.fetchval("SHOW server_version_num"))
    shown = await connection.fetchval("SHOW server_version")
    remedy = "" if number >= LEAST_POSTGRESQL else "PostgreSQL 18 or later is needed"
    return Finding("database", f"PostgreSQL {shown}", remedy)


async def _encoding(connection: db.RawConnection) -> Finding:
    encoding = await connection.fetchval("SHOW server_encoding")
    remedy = "" if encoding == "UTF8" else "create the database with ENCODING 'UTF8'"
    return Finding("encoding", encoding, remedy)


async def _ctype(connection: db.RawConnection) -> Finding:
    """Told before pg_trgm is there to be asked: a database can't change it once it is made."""
    ctype = await connection.fetchval(
        "SELECT datctype FROM pg_database WHERE datname = current_database()"
    )
    return Finding("ctype", ctype, _WRONG_CTYPE if ctype in {"C", "POSIX"} else "")


async def _extension(connection: db.RawConnection, name: str) -> Finding:
    installed = await connection.fetchval(
        "SELECT extversion FROM pg_extension WHERE extname = $1", name
    )
    if installed:
        return Finding(f"extension {name}", installed)
    available = await connection.fetchval(
        "SELECT default_version FROM pg_available_extensions WHERE name = $1", name
    )
    remedy = "run `bashgah migrate`" if available else "install PostgreSQL's contrib package"
    return Finding(f"extension {name}", "missing", remedy)


async def _trigrams(connection: db.RawConnection) -> Finding:
    """With a C ctype pg_trgm takes no Persian letter for a letter, and the search index does nothing."""
    trigrams = await connection.fetchval("SELECT show_trgm('فروشگاه')")
    remedy = "" if trigrams else _WRONG_CTYPE
    return Finding("locale", f"{len(trigrams)} trigrams of a Persian word", remedy)


async def _sealing_keys(connection: db.RawConnection, sealer: Sealer) -> Finding:
    """How many values each key has sealed: with its last one a key may go, and not before."""
    columns = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND column_name LIKE '%\\_key\\_id' AND table_name <> 'membership_row' ORDER BY 1, 2"
    )
    sealed: dict[str, int] = {}
    for table, column in columns:
        for key, count in await connection.fetch(
            f'SELECT "{column}", count(*) FROM "{table}" WHERE "{column}" IS NOT NULL GROUP BY 1'  # noqa: S608
        ):
            sealed[key] = sealed.get(key, 0) + count
    gone = [key for key in sealed if not sealer.holds(key)]
    seen = ", ".join(f"{key}: {sealed[key]:,}" for key in sorted(sealed)) or "nothing is sealed"
    remedy = f"bring back to BASHGAH_SEALING_KEYS: {', '.join(gone)}" if gone else ""
    return Finding("sealed by key", seen, remedy)


async def _rights(connection: db.RawConnection) -> Finding:
    """The role of BASHGAH_DATABASE_URL may do what the code needs, and nothing that would let it bend the trail."""
    found = await rights.compare(connection)
    if not found.too_much and not found.missing:
        return _own_settings(found)
    seen = "; ".join(
        f"{found.role} {told}: {_some(each)}"
        for told, each in (("has too much", found.too_much), ("misses", found.missing))
        if each
    )
    remedy = "run `bashgah migrate` as the tables' owner"
    if found.too_much:
        remedy = (
            f"let BASHGAH_DATABASE_URL sign in as {APP_ROLE}, which owns nothing, and "
            "BASHGAH_OWNER_DATABASE_URL as the owner; then `bashgah migrate`"
        )
    return Finding("rights", seen, remedy)


def _own_settings(found: rights.Comparison) -> Finding:
    """A role may change settings of its own: who got in may so slow down or stop every later connection."""
    if not found.settings:
        return Finding("rights", f"{found.role} may do what it needs, and no more")
    return Finding(
        "rights",
        f"{found.role} has settings that are not ours: {_some(found.settings)}",
        f"find out who made them; then as a superuser ALTER ROLE {found.role} RESET ALL, and the same IN DATABASE",
    )


async def _trail(connection: db.RawConnection, signer: Signer) -> list[Finding]:
    """The sealer keeps up, for what is not sealed can still be bent; and nobody has put rows beside its own."""
    what = "audit trail"
    if not await connection.fetchval("SELECT to_regclass('audit_batch') IS NOT NULL"):
        return [Finding(what, "no tables yet", "run `bashgah migrate`")]
    found = await sealing_state.examine(signer, fetch=connection.fetch)
    if found.rows and not found.batches:
        remedy = "set BASHGAH_AUDIT_PUBLIC_KEYS, to verify it by"
        return [Finding(what, "no batch is signed by a key that is known here", remedy)]
    findings = []
    if found.rows != found.batches:
        seen = f"{found.rows} rows of batches where the sealer made {found.batches}"
        findings.append(Finding(what, seen, "run `bashgah audit verify`, which says what it is"))
    if found.obstacle:
        findings.append(Finding(what, "the key of this machine may not sign", found.obstacle))
    late = found.unsealed_since
    if late is not None and datetime.now(UTC) - late >= MOST_UNSEALED:
        seen = f"not sealed since {late:%Y-%m-%d %H:%M} UTC"
        remedy = "run a worker with BASHGAH_AUDIT_SIGNING_KEYS; its log says why `audit.seal` fails"
        findings.append(Finding(what, seen, remedy))
    return findings or [Finding(what, "sealed")]


async def _operators(connection: db.RawConnection) -> Finding:
    """Who was made before administrators had both acts on the own file unseen, and is told of nothing."""
    if not await connection.fetchval("SELECT to_regclass('operator') IS NOT NULL"):
        return Finding("operators", "no tables yet", "run `bashgah migrate`")
    rows = await connection.fetch(
        "SELECT user_name FROM operator WHERE state = 'ACTIVE'"
        " AND (national_code_index IS NULL OR phone_sealed IS NULL) ORDER BY id"
    )
    if not rows:
        return Finding("operators", "each has a national code and a mobile")
    return Finding(
        "operators",
        f"without national code or mobile: {_some([row['user_name'] for row in rows])}",
        "let a colleague suspend each, and make the account anew with both",
    )


def _some(items: Sequence[str], *, most: int = 5) -> str:
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")


async def _server_clock(connection: db.RawConnection) -> Finding:
    skew = abs(await connection.fetchval("SELECT clock_timestamp()") - datetime.now(UTC))
    remedy = "" if skew <= MOST_SKEW else "let both machines keep time by NTP"
    return Finding("clock", f"{skew.total_seconds():.1f} s from the database's", remedy)


async def _cache(url: str) -> list[Finding]:
    client = Redis.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
    try:
        info = await client.info("server")
        policy = cache_server.eviction_policy(await client.info("memory"))
    finally:
        await client.aclose()
    name = info.get("server_name", "redis")
    version = info.get("valkey_version", info.get("redis_version", "?"))
    return [
        Finding("cache", f"{name} {version}"),
        Finding(
            "cache's memory",
            policy or "nothing is dropped",
            "set maxmemory-policy to noeviction: limits of signing in would be dropped"
            if policy
            else "",
        ),
    ]
