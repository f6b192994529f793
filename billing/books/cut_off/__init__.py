"""Cut-off (*régularisations*): what of a year is billed later, and what it billed of the next (R31)."""
