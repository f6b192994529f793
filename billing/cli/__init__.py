"""The command line (contract): each command reads the settings, opens the database, calls one function.

`--help` needs neither settings nor database: what is heavy is imported by the command that uses it.
"""

from billing.cli.program import main

__all__ = ["main"]
