"""The tests: one package, so that test modules of equal names in its folders do not collide."""
