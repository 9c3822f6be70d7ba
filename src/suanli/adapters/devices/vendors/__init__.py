"""One module a vendor: pure functions of what its tools print to the normal form. Strangers to each other."""
