import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "98cd9c8b5927"
down_revision = "5f1707c525d2"

uuid = sa.CHAR(36).with_variant(postgresql.UUID(), "postgresql")


def upgrade():
    op.create_table(
        "volumes",
        sa.Column("id", uuid, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("project_id", uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_processed_at", sa.DateTime(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime()),
        sa.Column(
            "status",
            sa.Enum("SUBMITTED", "PROVISIONING", "ACTIVE", "FAILED", name="volumestatus"),
            nullable=False,
        ),
        sa.Column("status_message", sa.Text()),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("volume_provisioning_data", sa.Text()),
        sa.Column("volume_attachment_data", sa.Text()),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_volumes_project_id_projects", ondelete="CASCADE"
        ),
    )
