import sqlalchemy as sa
from alembic import op

revision = "971abbbf0a2c"
down_revision = "0c5e002094a9"

foreign_key = "workflowexecution_workflow_id_fkey"


def upgrade():
    if op.get_bind().dialect.name != "postgresql":
        op.execute("insert into tenant (id, name) values ('system-test-workflow', 'Test runs')")
        return
    op.drop_constraint(foreign_key, "workflowexecution", type_="foreignkey")
    op.execute("insert into tenant (id, name) values ('system-test-workflow', 'Test runs') on conflict do nothing")
    op.execute(
        "insert into workflow (id, tenant_id, name) values ('test', 'system-test-workflow', 'Test run') on conflict do nothing"
    )
    op.execute("update workflowexecution set workflow_id = 'test' where workflow_id is null")
    # psycopg2 does not see what this does: from here on, each statement stays by itself.
    op.execute("COMMIT")
    op.alter_column("workflowexecution", "workflow_id", existing_type=sa.String(64), nullable=False, server_default="test")
    op.create_foreign_key(foreign_key, "workflowexecution", "workflow", ["workflow_id"], ["id"])
