"""The command line (contract): reads settings, opens the database, calls one function a command."""
