"""Versions of the schema (Alembic); `billing.schema` runs them."""
