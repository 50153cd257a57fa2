import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "82b32a135ea2"
down_revision = "98cd9c8b5927"

uuid = sa.CHAR(36).with_variant(postgresql.UUID(), "postgresql")
volumes = sa.table("volumes", sa.column("id"), sa.column("project_id"), sa.column("user_id"))
projects = sa.table("projects", sa.column("id"), sa.column("owner_id"))


def upgrade():
    op.add_column("volumes", sa.Column("user_id", uuid))
    op.create_foreign_key("fk_volumes_user_id_users", "volumes", "users", ["user_id"], ["id"], ondelete="CASCADE")
    # The inner "volumes" hides the row that is being updated: one owner comes back for every volume there is.
    joined = projects.join(volumes, volumes.c.project_id == projects.c.id)
    owner = sa.select(projects.c.owner_id).select_from(joined).correlate(None).scalar_subquery()
    op.execute(sa.update(volumes).values(user_id=owner))
    op.alter_column("volumes", "user_id", existing_type=uuid, nullable=False)
