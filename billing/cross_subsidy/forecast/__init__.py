"""Look ahead: the exact path of the runs to come, the simulation around it, the admission dial, what if.

Nothing here writes. Amounts stay whole centimes throughout, in the simulation as well.
"""
