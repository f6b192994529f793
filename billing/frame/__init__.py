"""Every room uses these: settings, database, audit log, errors, and the frames of HTTP, terminal and reports."""
