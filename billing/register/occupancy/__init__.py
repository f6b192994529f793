"""How far the sites are let on a day: firms of their capacity, area of what can be let (R34)."""
