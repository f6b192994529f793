"""Documents looked up: found by what people know of them, with what is open of each and where it was sent."""
