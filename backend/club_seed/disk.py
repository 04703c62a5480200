"""How much room a seed needs, and whether there is as much."""

import shutil
from pathlib import Path

from backend.core.errors import DomainError, sentences

# Measured (benchmarks/seed.md), the log of changes and the sorting of indexes included, and a fifth more.
BYTES_A_MEMBER = 1_700
BYTES_A_PURCHASE = 6_500
LEAST_BYTES = 1024 * 1024 * 1024  # what PostgreSQL keeps of the log of changes (max_wal_size)

_GIGABYTE = 1_000_000_000


class DiskTooSmall(DomainError):
    """There is less room where the database is than the seed needs."""

    code = "DISK_TOO_SMALL"
    texts = sentences(
        fa="این داده حدود {needed} گیگابایت جا می‌خواهد و {free} گیگابایت مانده است؛ چیزی نوشته نشد.",
        en="These data need about {needed} GB and {free} GB are left; nothing was written.",
    )
    hints = sentences(
        fa="جا باز کنید یا شمار کمتری بدهید.",
        en="Make room, or ask for fewer members and purchases.",
    )

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(needed=needed, free=free)


def needed_bytes(*, members: int, purchases: int) -> int:
    """What the data need on disk while they are written."""
    return LEAST_BYTES + members * BYTES_A_MEMBER + purchases * BYTES_A_PURCHASE


def check_room(directory: str | None, needed: int) -> int | None:
    """The bytes that are free at the database's directory; None where it is not on this machine.

    Raises DiskTooSmall.
    """
    if directory is None or not Path(directory).exists():
        return None
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise DiskTooSmall(needed=-(-needed // _GIGABYTE), free=free // _GIGABYTE)
    return free
