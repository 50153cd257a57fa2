import sqlalchemy as sa
from alembic import op

revision = "0c5e002094a9"
down_revision = "017d759805d9"


def upgrade():
    op.create_table(
        "providerexecutionlog",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("provider_id", sa.String(64), nullable=False),
        sa.Column("logged_at", sa.DateTime(), nullable=False),
        sa.Column("log_message", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name="providerexecutionlog_provider_id_fkey"),
    )
