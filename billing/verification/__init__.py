"""The public page of a paper: whoever holds it sees what stands of it, and takes away a proof of it."""

from billing.frame.subject import Subject

SUBJECT = Subject(__name__, checks=("checks",), resources=("resources",))
