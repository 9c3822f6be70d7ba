"""The compiled inner loops: tables of integers in, decisions written into them; the same for a live turn and a replay.

``tables`` lays out what is known; ``feasible`` -> ``score`` -> ``place`` -> ``reserve`` -> ``turn`` are the steps.
Everything is integers: milli-cpus, bytes, thousandths of a device, microseconds.
"""
