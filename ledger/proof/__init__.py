"""A log of hashed records: the tree of RFC 6962 over them, and the signed notes that state its head (C2SP).

It knows neither entries nor documents: what a record holds is its caller's affair.
"""
