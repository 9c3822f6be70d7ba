"""The compiled inner loops: tables of integers in, decisions written into them; the same for a live turn and a replay.

``tables`` lays out what is known; the steps of a ``turn`` are ``feasible`` -> ``score`` -> ``place`` -> ``preempt`` ->
``reserve``, which asks ``outlook`` what ends of running work bring; ``foresee`` looks ahead for any other job.
``changes`` is how a live center tells its tables what happened.
Everything is integers: milli-cpus, bytes, thousandths of a device, microseconds.
"""
