"""The views, one module a resource of the contract; each view is a load, an open, a call and a dump."""
