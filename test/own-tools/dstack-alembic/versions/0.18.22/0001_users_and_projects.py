import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5f1707c525d2"
down_revision = None

uuid = sa.CHAR(36).with_variant(postgresql.UUID(), "postgresql")


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", uuid, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "projects",
        sa.Column("id", uuid, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False, unique=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("owner_id", uuid, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_projects_owner_id_users", ondelete="CASCADE"),
    )
