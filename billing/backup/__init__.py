"""Backups: database, documents and settings in one folder, with a manifest by which a restored copy is proved."""
