"""The database's schema: migrations, the rights of the service's role, the triggers that refuse changes."""
