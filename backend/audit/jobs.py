"""Background work of the audit trail: its tables get their partitions of the coming months."""

from backend.infra import partitions

partitions.register("audit_entry", "file_read")
