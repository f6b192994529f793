"""The demonstration: the shipped sample network, billed for six months in a folder of its own."""
