import sqlalchemy as sa
from alembic import op

revision = "54c1252b2c8a"
down_revision = None

key = sa.String(64)


def upgrade():
    op.create_table(
        "tenant",
        sa.Column("id", key, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("configuration", sa.JSON()),
    )
    op.create_table(
        "provider",
        sa.Column("id", key, primary_key=True),
        sa.Column("tenant_id", key, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("installed_by", sa.String(255), nullable=False),
        sa.Column("installation_time", sa.DateTime(), nullable=False),
        sa.Column("configuration_key", sa.String(255), nullable=False),
        sa.UniqueConstraint("tenant_id", "name"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="provider_tenant_id_fkey"),
    )
    op.create_table(
        "workflow",
        sa.Column("id", key, primary_key=True),
        sa.Column("tenant_id", key, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    )
    op.create_table(
        "workflowexecution",
        sa.Column("id", key, primary_key=True),
        sa.Column("workflow_id", key),
        sa.Column("status", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflow.id"], name="workflowexecution_workflow_id_fkey"),
    )
