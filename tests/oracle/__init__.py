"""A second reading of the rules, to hold the service against: slow, obvious, and sharing no code with it.

`reference` computes what a history of imports and runs must give; `strategies` draws networks and
histories; `service` plays a history on the service and lays its results out the same way.
"""
