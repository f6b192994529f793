"""Who funds whom, kept and told: the matrix of each run, a tenant's own account, the year's statement."""
