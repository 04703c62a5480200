"""Background work of the inbox: its table gets its partitions of the coming months."""

from backend.infra import partitions

partitions.register("notice")
