"""What a worker process of a membership file calls first in the tests: their sealer."""

from backend.infra import sealing


def prepare() -> None:
    """Configure sealing with the tests' keys; also called by the tests themselves."""
    sealing.configure(sealing.Sealer({"1": bytes(range(32))}, "1", bytes(range(32, 64))))
