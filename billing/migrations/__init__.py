"""Versions of the schema (Alembic); `billing.schema.migrating` runs them."""
