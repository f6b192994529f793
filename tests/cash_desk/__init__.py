"""The cash desk: what may be taken, what the receipt says."""
