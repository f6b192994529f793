"""Requests that are done later, as jobs: their rows and their files."""
