"""The audit trail: from a balance down to the person who caused it, and back up."""
