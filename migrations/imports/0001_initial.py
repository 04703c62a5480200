"""The imports that operators start; one a kind runs at a time, and sealed bytes are not compressed."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_FORWARD = [
    "CREATE UNIQUE INDEX file_import_one_runs ON file_import (kind) WHERE state = 'RUNNING'",
    "CREATE INDEX file_import_open ON file_import (state, id) WHERE ended_at IS NULL",
    """
    ALTER TABLE file_import ADD CONSTRAINT file_import_approval
    FOREIGN KEY (approval_id) REFERENCES approval (id) ON DELETE RESTRICT
    """,
    "ALTER TABLE file_import_part ALTER COLUMN content_sealed SET STORAGE EXTERNAL",
    "ALTER TABLE file_import_report_part ALTER COLUMN content_sealed SET STORAGE EXTERNAL",
]
_BACKWARD = [
    "ALTER TABLE file_import DROP CONSTRAINT file_import_approval",
    "DROP INDEX file_import_open",
    "DROP INDEX file_import_one_runs",
]


class Migration(migrations.Migration):
    initial = True
    dependencies = [("approvals", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="FileImport",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("kind", fields.CharField(max_length=20)),
                ("state", fields.CharField(max_length=30)),
                ("actor", fields.CharField(max_length=80)),
                ("province_codes", ArrayField(null=True, element_type="TEXT")),
                ("file_name", fields.CharField(max_length=120)),
                ("size_bytes", fields.BigIntField()),
                ("sha256", fields.BinaryField()),
                ("part_bytes", fields.IntField()),
                ("month", fields.IntField(null=True)),
                ("dry_run", fields.BooleanField(db_default=False)),
                ("run", fields.IntField(db_default=0)),
                ("attempts", fields.SmallIntField(db_default=0)),
                ("is_merging", fields.BooleanField(db_default=False)),
                ("cancelled_by", fields.CharField(null=True, max_length=80)),
                ("rows_done", fields.BigIntField(db_default=0)),
                ("rows_expected", fields.BigIntField(null=True)),
                ("counts", fields.JSONField(db_default={}, encoder=JSON_DUMPS, decoder=loads)),
                ("unusual", ArrayField(db_default=[], element_type="TEXT")),
                ("error_code", fields.CharField(null=True, max_length=60)),
                ("error_text", fields.CharField(null=True, max_length=500)),
                ("error_hint", fields.CharField(null=True, max_length=500)),
                ("approval_id", fields.BigIntField(null=True)),
                ("accepted_by", fields.CharField(null=True, max_length=80)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "file_import",
                "app": "imports",
                "constraints": [
                    CheckConstraint(check="kind IN ('MEMBERS', 'STORES')", name="file_import_kind"),
                    CheckConstraint(
                        check="state IN ('UPLOADING', 'QUEUED', 'RUNNING', 'CHECKED', 'WAITING_FOR_APPROVAL', 'DONE', 'FAILED', 'REFUSED', 'CANCELLED', 'EXPIRED')",
                        name="file_import_state",
                    ),
                    CheckConstraint(
                        check="size_bytes BETWEEN 1 AND CASE kind WHEN 'MEMBERS' THEN 2147483647 ELSE 52428800 END AND part_bytes BETWEEN 1 AND 4194304 AND length(sha256) = 32",
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
                        check="(state IN ('DONE', 'FAILED', 'REFUSED', 'CANCELLED', 'EXPIRED')) = (ended_at IS NOT NULL) AND (state IN ('UPLOADING', 'CHECKED')) = (expires_at IS NOT NULL) AND (state IN ('UPLOADING', 'CANCELLED', 'EXPIRED') OR started_at IS NOT NULL)",
                        name="file_import_times",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(error_code, error_text, error_hint) = CASE WHEN state IN ('FAILED', 'REFUSED') THEN 3 ELSE 0 END",
                        name="file_import_error",
                    ),
                    CheckConstraint(
                        check="(state <> 'WAITING_FOR_APPROVAL' OR approval_id IS NOT NULL) AND (approval_id IS NULL OR kind = 'MEMBERS') AND (accepted_by IS NULL OR approval_id IS NOT NULL) AND accepted_by <> actor",
                        name="file_import_second_person",
                    ),
                    CheckConstraint(
                        check="NOT (dry_run AND (is_merging OR state IN ('DONE', 'WAITING_FOR_APPROVAL'))) AND (state <> 'CHECKED' OR dry_run) AND (NOT is_merging OR kind = 'MEMBERS') AND NOT (is_merging AND state IN ('CANCELLED', 'REFUSED', 'EXPIRED'))",
                        name="file_import_dry_run",
                    ),
                    CheckConstraint(
                        check="rows_done >= 0 AND rows_expected >= 0 AND run >= 0 AND attempts >= 0 AND jsonb_typeof(counts) = 'object'",
                        name="file_import_figures",
                    ),
                ],
                "indexes": [Index(fields=["kind", "id"])],
                "pk_attr": "id",
                "table_description": "A file that an operator imports: what it is, how far it is, and what came of it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FileImportPart",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "file_import",
                    fields.ForeignKeyField(
                        "imports.FileImport",
                        source_field="file_import_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.IntField()),
                ("size_bytes", fields.IntField()),
                ("sha256", fields.BinaryField()),
                ("content_sealed", fields.BinaryField()),
                ("content_key_id", fields.CharField(max_length=20)),
            ],
            options={
                "table": "file_import_part",
                "app": "imports",
                "constraints": [
                    UniqueConstraint(
                        fields=("file_import_id", "number"), name="file_import_part_number"
                    ),
                    CheckConstraint(
                        check="number BETWEEN 0 AND 511 AND size_bytes BETWEEN 1 AND 4194304 AND length(sha256) = 32 AND length(content_sealed) > size_bytes",
                        name="file_import_part_content",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Some of an uploaded file's bytes, sealed (AES-GCM, key id beside it); gone when the import has ended.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FileImportReportPart",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "file_import",
                    fields.ForeignKeyField(
                        "imports.FileImport",
                        source_field="file_import_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("which", fields.CharField(max_length=20)),
                ("number", fields.IntField()),
                ("content_sealed", fields.BinaryField()),
                ("content_key_id", fields.CharField(max_length=20)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "file_import_report_part",
                "app": "imports",
                "constraints": [
                    UniqueConstraint(
                        fields=("file_import_id", "which", "number"),
                        name="file_import_report_part_number",
                    ),
                    CheckConstraint(
                        check="which IN ('report', 'vanished') AND number >= 0 AND length(content_sealed) <= 1049600",
                        name="file_import_report_part_content",
                    ),
                ],
                "indexes": [Index(fields=["created_at"])],
                "pk_attr": "id",
                "table_description": "Some of a report's bytes, sealed as the file's are; kept for 90 days.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD),
    ]
