"""Replay: a trace, a center and a policy in, an outcome out, under a virtual clock, by the compiled loops."""
