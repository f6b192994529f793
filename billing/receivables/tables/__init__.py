"""The tables of money in, a module a subject; rows are only ever added."""
