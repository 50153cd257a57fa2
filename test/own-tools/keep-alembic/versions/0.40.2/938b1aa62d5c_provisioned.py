import sqlalchemy as sa
from alembic import op

revision = "938b1aa62d5c"
down_revision = "54c1252b2c8a"


def upgrade():
    op.add_column("provider", sa.Column("provisioned", sa.Boolean(), server_default=sa.false(), nullable=False))
