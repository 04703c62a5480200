"""Who submitted an application is one of two words, whatever the language."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_AS_WORDS = """
    UPDATE loan_application SET submitted_by = CASE submitted_by WHEN 'عضو' THEN 'member' ELSE 'registrar' END
     WHERE submitted_by NOT IN ('member', 'registrar')
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0002_references_and_orders")]

    operations = [
        ops.RunSQL([_AS_WORDS], reverse_sql=["SELECT"]),
        ops.AddConstraint(
            model_name="LoanApplication",
            constraint=CheckConstraint(
                check="submitted_by IN ('member', 'registrar')", name="loan_application_submitter"
            ),
        ),
    ]
