import sqlalchemy as sa
from alembic import op

revision = "017d759805d9"
down_revision = "938b1aa62d5c"


def upgrade():
    op.create_table(
        "secret",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
