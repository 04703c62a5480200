"""The embedded servers: who they run as, where, and what they survive."""

import asyncio
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from backend.infra.embedded import failures, place, process, programs, servers
from backend.infra.embedded.servers import Servers
from tests.support import servers as test_servers
from tests.support.servers import TestPostgres

NOBODY = 65534
DEADLINE_SECONDS = 20.0
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change uids")


@pytest.fixture
def folder() -> Iterator[Path]:
    with test_servers.short_folder() as made:
        yield made


@pytest.fixture(autouse=True)
def no_libpq_environment() -> Iterator[None]:
    with test_servers.without_libpq_environment():
        yield


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Servers]:
    with test_servers.claimed(folder) as claimed:
        started = servers.start(claimed)
        try:
            yield started
        finally:
            started.stop()


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def redis(url: str, *command: str) -> object:
    async def ask() -> object:
        async with Redis.from_url(url) as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py has no type here

    return asyncio.run(ask())


def write_marks(started: Servers) -> None:
    rows(started.database_url, "CREATE TABLE marks AS SELECT generate_series(1, 1000) AS number")
    redis(started.cache_url, "SET", "mark", "kept")


def expect_marks(started: Servers) -> None:
    assert rows(started.database_url, "SELECT count(*), sum(number) FROM marks") == [(1000, 500500)]
    assert redis(started.cache_url, "GET", "mark") == b"kept"


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_everything(started: Servers) -> None:
    for child in started.children:
        for pid in (child.pid, *children_of(child.pid)):
            with contextlib.suppress(ProcessLookupError):  # orphans end by themselves, too
                os.kill(pid, signal.SIGKILL)
    for child in started.children:
        child.process.wait()


def wait_for_end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], DEADLINE_SECONDS)[0], f"{pid} still runs"
    finally:
        os.close(handle)


def test_the_servers_run_without_rights_and_without_tcp(folder: Path) -> None:
    with running(folder) as started:
        expected = NOBODY if os.geteuid() == 0 else os.geteuid()
        for child in started.children:
            status = Path(f"/proc/{child.pid}/status").read_text()
            assert f"Uid:\t{expected}\t{expected}\t{expected}" in status
        assert rows(started.database_url, "SHOW listen_addresses") == [("",)]
        assert redis(started.cache_url, "CONFIG", "GET", "port") in (
            {b"port": b"0"},
            [b"port", b"0"],
        )
        assert started.place.sockets.stat().st_mode & 0o777 == 0o700


def test_persian_words_have_trigrams(postgres: TestPostgres) -> None:
    name = postgres.create()
    try:
        url = postgres.url(name)
        rows(url, "CREATE EXTENSION pg_trgm")
        [(trigrams,)] = rows(url, "SELECT show_trgm('فروشگاه')")
        assert isinstance(trigrams, list)
        assert len(trigrams) == 8
        assert rows(url, "SELECT show_trgm('فروشگاه') = show_trgm('فروشگاه ')") == [(True,)]
    finally:
        postgres.drop(name)


def test_a_clean_stop_needs_no_recovery_and_the_second_start_is_quick(folder: Path) -> None:
    with running(folder) as started:
        write_marks(started)
    seconds = []
    for _ in range(3):  # the best of three: the machine has other things to do
        began = time.monotonic()
        with running(folder) as started:
            seconds.append(time.monotonic() - began)
            expect_marks(started)
            log = started.place.log("postgres").read_text()
    assert "not properly shut down" not in log
    assert min(seconds) < 3.0


def test_nothing_is_lost_when_everything_is_killed(folder: Path) -> None:
    with test_servers.claimed(folder) as claimed:
        started = servers.start(claimed)
        write_marks(started)
        kill_everything(started)
    with running(folder) as started:
        expect_marks(started)
        assert "not properly shut down" in started.place.log("postgres").read_text()


def test_the_orphans_of_a_killed_postmaster_do_not_hinder_the_next_start(folder: Path) -> None:
    with test_servers.claimed(folder) as claimed:
        started = servers.start(claimed)
        write_marks(started)
        for child in started.children:
            os.kill(child.pid, signal.SIGKILL)
            child.process.wait()
    with running(folder) as started:
        expect_marks(started)


def test_children_end_when_only_the_supervisor_is_killed(folder: Path) -> None:
    program = (
        "import sys, signal; from pathlib import Path; from backend.infra.embedded import place, servers;"
        "started = servers.start(place.claim(Path(sys.argv[1])));"
        "print(started.postgres.pid, started.valkey.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        supervisor.kill()
    assert len(pids) == 2
    for pid in pids:
        wait_for_end(pid)
    with running(folder) as started:
        assert "not properly shut down" not in started.place.log("postgres").read_text()


def test_servers_that_outlive_their_supervisor_are_replaced(folder: Path) -> None:
    abandoned = servers.start(place.claim(folder))
    write_marks(abandoned)
    abandoned.place.lock.close()  # what the kernel does when the supervisor dies
    with running(folder) as started:
        assert not any(child.is_running() for child in abandoned.children)
        expect_marks(started)


def test_an_unrecorded_server_on_the_folder_is_replaced(folder: Path) -> None:
    abandoned = servers.start(place.claim(folder))
    write_marks(abandoned)
    abandoned.place.record("postgres").unlink()
    abandoned.place.lock.close()
    with running(folder) as started:
        assert not any(child.is_running() for child in abandoned.children)
        expect_marks(started)


def test_a_reused_pid_is_left_alone(folder: Path) -> None:
    with running(folder) as started:
        kill_everything(started)
        stranger = process.start(
            replace(started.postgres.command, argv=["/bin/sleep", "60"], record=None, cwd=Path("/"))
        )
        pid_file = started.place.cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        started.place.record("valkey").write_text(f"{stranger.pid} {process.birth_of(1)}\n")
        started.place.lock.close()
        try:
            with running(folder) as again:
                assert again.postgres.is_running()
                assert stranger.is_running()
        finally:
            stranger.process.kill()
            stranger.process.wait()


def test_a_second_supervisor_is_refused(folder: Path) -> None:
    with test_servers.claimed(folder), pytest.raises(failures.FolderInUse) as refused:
        place.claim(folder)
    assert f"Already running on the data folder {folder} (process {os.getpid()})" in str(
        refused.value
    )


def test_two_folders_run_side_by_side(folder: Path) -> None:
    with running(folder / "one") as one, running(folder / "two") as two:
        write_marks(one)
        assert rows(two.database_url, "SELECT to_regclass('marks')") == [(None,)]
        assert redis(two.cache_url, "GET", "mark") is None


def test_a_long_path_gets_its_sockets_elsewhere(folder: Path) -> None:
    deep = folder / ("long-name-" * 6) / ("longer-name-" * 6)
    with running(deep) as started:
        assert started.place.data_dir == deep
        sockets = started.place.sockets
        assert sockets.parent == test_servers.ROOT_FOLDER
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert rows(started.database_url, "SELECT 1") == [(1,)]
        assert redis(started.cache_url, "PING") in (True, b"PONG")
    assert not sockets.exists()


def test_the_socket_folder_of_a_killed_supervisor_is_removed(folder: Path) -> None:
    deep = folder / ("long-name-" * 6) / ("longer-name-" * 6)
    abandoned = place.claim(deep)
    abandoned.lock.close()
    assert abandoned.sockets.exists()
    with test_servers.claimed(deep):
        assert not abandoned.sockets.exists()


@pytest.mark.parametrize("name", ["باشگاه مشتریان", "with space", "a,b\"c'd%20&e?f#g"])
def test_any_name_of_a_folder_will_do(folder: Path, name: str) -> None:
    with running(folder / name) as started:
        assert rows(started.database_url, "SELECT 1") == [(1,)]
        assert redis(started.cache_url, "PING") in (True, b"PONG")


def test_the_callers_postgresql_variables_do_not_leak(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGDATA": "/nowhere",
        "PGHOST": "nowhere.invalid",
        "PGPORT": "1",
        "PGUSER": "nobody-known",
        "PGDATABASE": "nowhere",
        "PGOPTIONS": "-c nonsense=1",
    }.items():
        monkeypatch.setenv(name, value)
    with running(folder) as started:
        assert rows(started.database_url, "SELECT current_database(), current_user") == [
            ("bashgah", "bashgah")
        ]
        environment = Path(f"/proc/{started.postgres.pid}/environ").read_bytes()
    assert b"PGOPTIONS" not in environment
    assert b"nowhere" not in environment


def test_a_server_that_can_not_start_says_why_and_leaves_nothing_running(folder: Path) -> None:
    with running(folder):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("9.6\n")
    with test_servers.claimed(folder) as claimed:
        with pytest.raises(failures.StartFailed, match=r"postgres ended while starting") as failed:
            servers.start(claimed)
        assert "initialized by PostgreSQL version 9.6" in str(failed.value)
        assert not claimed.record("valkey").exists()


def test_a_file_is_not_taken_for_a_folder(folder: Path) -> None:
    (folder / "file").write_text("")
    for wanted in (folder / "file", folder / "file" / "below"):
        with pytest.raises(failures.FolderRefused, match=r"Can't use the folder .*file"):
            place.claim(wanted)


def test_half_an_initialization_is_thrown_away(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(folder) as started:
        assert rows(started.database_url, "SELECT 1") == [(1,)]
    assert not (folder / "postgres.new").exists()


@as_root
def test_a_private_folder_is_left_for_one_that_the_servers_can_enter(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    with running(private / "data") as started:
        moved = started.place.data_dir
        try:
            assert started.place.moved
            assert started.place.wanted == private / "data"
            assert moved.parent == place._FALLBACK_ROOT
            assert not (private / "data").exists()
            write_marks(started)
        except BaseException:
            shutil.rmtree(moved)
            raise
    try:
        with running(private / "data") as started:
            assert started.place.data_dir == moved
            expect_marks(started)
    finally:
        shutil.rmtree(moved)


@as_root
def test_a_fallback_that_belongs_to_someone_else_is_refused(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    with test_servers.claimed(private / "data") as claimed:
        fallback = claimed.data_dir
    try:
        os.chown(fallback, NOBODY, NOBODY)
        with pytest.raises(failures.FolderRefused, match="it belongs to someone else"):
            place.claim(private / "data")
    finally:
        shutil.rmtree(fallback)


@as_root
def test_programs_in_a_private_folder_are_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    hidden = programs.copy(programs.locate(), private / "programs")
    monkeypatch.setattr(programs, "locate", lambda: hidden)
    with running(folder / "data") as started:
        assert started.place.programs.postgres.is_relative_to(folder / "data" / "programs")
        rows(started.database_url, "CREATE EXTENSION pg_trgm")
        assert rows(started.database_url, "SELECT word_similarity('نان', 'نان تازه')") == [(1.0,)]


@as_root
def test_an_ordinary_user_needs_no_root(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)
    program = (
        "import os, sys, encodings.ascii, encodings.idna; from pathlib import Path;"
        "from backend.infra.embedded import place, servers;"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        "claimed = place.claim(Path(sys.argv[1])); started = servers.start(claimed);"
        "print(claimed.data_dir, claimed.identity); started.stop(); claimed.release()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stderr == ""
    assert ended.stdout == f"{folder / 'data'} None\n"
