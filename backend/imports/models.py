"""Tables of the imports that operators start: each import, the file that was uploaded for it, and its report.

The migration adds what a model can't say: one import a kind runs at a time, and a file's bytes stay uncompressed.
"""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model


class FileImport(Model):
    """A file that an operator imports: what it is, how far it is, and what came of it.

    `province_codes` is the operator's scope when it was begun, NULL for the nation. `run` counts the runs that have
    taken it up; what an older run writes is refused by it. `attempts` counts those that ended badly. A row stays for
    ever; its parts and its report do not.
    """

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=20)
    state = fields.CharField(max_length=30)
    actor = fields.CharField(max_length=80)
    province_codes = ArrayField(element_type="text", null=True)
    file_name = fields.CharField(max_length=120)
    size_bytes = fields.BigIntField()
    sha256 = fields.BinaryField()
    part_bytes = fields.IntField()
    month = fields.IntField(null=True)  # Jalali, YYYYMM
    dry_run = fields.BooleanField(db_default=False)
    run = fields.IntField(db_default=0)
    attempts = fields.SmallIntField(db_default=0)
    is_merging = fields.BooleanField(db_default=False)
    cancelled_by = fields.CharField(max_length=80, null=True)
    rows_done = fields.BigIntField(db_default=0)
    rows_expected = fields.BigIntField(null=True)
    counts: fields.Field[dict[str, int]] = fields.JSONField(db_default={})
    unusual = ArrayField(element_type="text", db_default=[])
    error_code = fields.CharField(max_length=60, null=True)
    error_text = fields.CharField(max_length=500, null=True)
    error_hint = fields.CharField(max_length=500, null=True)
    approval_id = fields.BigIntField(null=True)
    accepted_by = fields.CharField(max_length=80, null=True)
    created_at = fields.DatetimeField(db_default=Now())
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)  # of what waits for its operator

    class Meta:
        table = "file_import"
        indexes = (("kind", "id"),)
        constraints = (
            CheckConstraint(check="kind IN ('MEMBERS', 'STORES')", name="file_import_kind"),
            CheckConstraint(
                check="state IN ('UPLOADING', 'QUEUED', 'RUNNING', 'CHECKED', 'WAITING_FOR_APPROVAL', 'DONE', 'FAILED',"
                " 'REFUSED', 'CANCELLED', 'EXPIRED')",
                name="file_import_state",
            ),
            CheckConstraint(
                check="size_bytes BETWEEN 1 AND CASE kind WHEN 'MEMBERS' THEN 2147483647 ELSE 52428800 END"
                " AND part_bytes BETWEEN 1 AND 4194304 AND length(sha256) = 32",
                name="file_import_file",
            ),
            CheckConstraint(
                check="(kind = 'MEMBERS') = (month IS NOT NULL) AND month % 100 BETWEEN 1 AND 12",
                name="file_import_month",
            ),
            CheckConstraint(
                check="cardinality(province_codes) > 0 AND (kind = 'STORES' OR province_codes IS NULL)",
                name="file_import_scope",
            ),
            CheckConstraint(
                check="(state IN ('DONE', 'FAILED', 'REFUSED', 'CANCELLED', 'EXPIRED')) = (ended_at IS NOT NULL)"
                " AND (state IN ('UPLOADING', 'CHECKED')) = (expires_at IS NOT NULL)"
                " AND (state IN ('UPLOADING', 'CANCELLED', 'EXPIRED') OR started_at IS NOT NULL)",
                name="file_import_times",
            ),
            CheckConstraint(
                check="num_nonnulls(error_code, error_text, error_hint) ="
                " CASE WHEN state IN ('FAILED', 'REFUSED') THEN 3 ELSE 0 END",
                name="file_import_error",
            ),
            CheckConstraint(
                check="(state <> 'WAITING_FOR_APPROVAL' OR approval_id IS NOT NULL)"
                " AND (approval_id IS NULL OR kind = 'MEMBERS') AND (accepted_by IS NULL OR approval_id IS NOT NULL)"
                " AND accepted_by <> actor",
                name="file_import_second_person",
            ),
            # What is tried out changes nothing: it neither merges nor asks anybody.
            CheckConstraint(
                check="NOT (dry_run AND (is_merging OR state IN ('DONE', 'WAITING_FOR_APPROVAL')))"
                " AND (state <> 'CHECKED' OR dry_run) AND (NOT is_merging OR kind = 'MEMBERS')"
                " AND NOT (is_merging AND state IN ('CANCELLED', 'REFUSED', 'EXPIRED'))",
                name="file_import_dry_run",
            ),
            CheckConstraint(
                check="rows_done >= 0 AND rows_expected >= 0 AND run >= 0 AND attempts >= 0"
                " AND jsonb_typeof(counts) = 'object'",
                name="file_import_figures",
            ),
        )


class FileImportPart(Model):
    """Some of an uploaded file's bytes, sealed (AES-GCM, key id beside it); gone when the import has ended."""

    id = fields.BigIntField(primary_key=True)
    file_import: fields.ForeignKeyRelation[FileImport] = fields.ForeignKeyField(
        "imports.FileImport", on_delete=fields.CASCADE
    )
    number = fields.IntField()  # from 0
    size_bytes = fields.IntField()
    sha256 = fields.BinaryField()
    content_sealed = fields.BinaryField()
    content_key_id = fields.CharField(max_length=20)

    class Meta:
        table = "file_import_part"
        constraints = (
            UniqueConstraint(fields=("file_import_id", "number"), name="file_import_part_number"),
            CheckConstraint(
                check="number BETWEEN 0 AND 511 AND size_bytes BETWEEN 1 AND 4194304 AND length(sha256) = 32"
                " AND length(content_sealed) > size_bytes",
                name="file_import_part_content",
            ),
        )


class FileImportReportPart(Model):
    """Some of a report's bytes, sealed as the file's are; kept for 90 days."""

    id = fields.BigIntField(primary_key=True)
    file_import: fields.ForeignKeyRelation[FileImport] = fields.ForeignKeyField(
        "imports.FileImport", on_delete=fields.CASCADE
    )
    which = fields.CharField(max_length=20)
    number = fields.IntField()  # from 0
    content_sealed = fields.BinaryField()
    content_key_id = fields.CharField(max_length=20)
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "file_import_report_part"
        indexes = (("created_at",),)
        constraints = (
            UniqueConstraint(
                fields=("file_import_id", "which", "number"), name="file_import_report_part_number"
            ),
            CheckConstraint(
                check="which IN ('report', 'vanished') AND number >= 0 AND length(content_sealed) <= 1049600",
                name="file_import_report_part_content",
            ),
        )
