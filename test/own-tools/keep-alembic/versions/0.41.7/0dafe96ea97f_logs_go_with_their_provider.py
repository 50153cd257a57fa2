import sqlalchemy as sa
from alembic import op

revision = "0dafe96ea97f"
down_revision = "971abbbf0a2c"

foreign_key = "providerexecutionlog_provider_id_fkey"


def upgrade():
    op.drop_constraint(foreign_key, "providerexecutionlog", type_="foreignkey")
    op.alter_column("providerexecutionlog", "provider_id", existing_type=sa.String(64), nullable=True)
    op.create_foreign_key(
        foreign_key, "providerexecutionlog", "provider", ["provider_id"], ["id"], ondelete="CASCADE"
    )
