"""The work of the clock, in a process of its own."""
