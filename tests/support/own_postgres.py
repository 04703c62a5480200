"""A PostgreSQL server that one test may stop and start as it likes."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from backend.infra.embedded import programs
from tests.support import servers

_BIN = programs.locate().postgres.parent
_UNPRIVILEGED = 65534
_DEADLINE_SECONDS = 60
_PORT = 5432  # only the socket's file name: a port of TCP could be another's while the server is stopped


class OwnPostgres:
    """A server on a Unix socket with its data in a folder of its own; PostgreSQL refuses to be root."""

    def __init__(self) -> None:
        # In a folder that this account can enter.
        self.folder = Path(tempfile.mkdtemp(prefix="own-pg-", dir=servers.root_folder()))
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--lc-ctype=C.UTF-8",
        )  # fmt: skip

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@/{database}?host={quote(str(self.folder))}&port={_PORT}"

    def start(self) -> None:
        """Returns once connections are accepted."""
        self._run(
            "pg_ctl", "start", "-w", "-t", str(_DEADLINE_SECONDS), "-D", str(self._data),
            "-l", str(self.folder / "log"), "-o",
            f"-p {_PORT} -c listen_addresses= -c unix_socket_directories={self.folder}"
            " -c fsync=off -c max_connections=60",
        )  # fmt: skip

    def stop(self, *, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._data))

    def remove(self) -> None:
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_BIN / program, *arguments],
            check=True,
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DEADLINE_SECONDS * 2,
        )
