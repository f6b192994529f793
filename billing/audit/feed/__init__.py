"""The feed: everything that happened, oldest first, for systems that stay in step with this one."""
