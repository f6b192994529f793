"""Deposits (*dépôts de garantie*): asked when a lease begins, received, held on 1487, returned when it ends."""
