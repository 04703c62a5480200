"""A cache that drops keys when its memory is full."""

import contextlib
from collections.abc import Iterator

from redis import Redis

from tests.support.servers import TestValkey


@contextlib.contextmanager
def evicting(valkey: TestValkey) -> Iterator[None]:
    """Let the server drop keys with a lifetime until the block ends."""
    with Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "volatile-lru")
        try:
            yield
        finally:
            client.config_set("maxmemory-policy", "noeviction")
