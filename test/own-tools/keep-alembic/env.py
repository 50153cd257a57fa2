"""Runs what is pending in one transaction, as Keep does, on the database that DATABASE_URL names."""
import logging
import os

from alembic import context
from sqlalchemy import create_engine, pool

logging.basicConfig(format="%(levelname)s [%(name)s] %(message)s")
logging.getLogger("alembic").setLevel(logging.INFO)

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
