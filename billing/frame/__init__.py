"""What every room stands on: settings, database, audit log, errors, and the frames of HTTP, terminal and reports."""
