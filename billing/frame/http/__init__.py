"""The frame of the HTTP API: what every resource shares."""
