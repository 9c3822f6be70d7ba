"""The scheduling kernel: a snapshot of arrays in, a plan with reasons out; the same live, in what-if and in replay.

The steps of a turn (``cycle``), one file each: order -> feasible -> score -> place -> reserve -> preempt -> explain.
``state`` keeps what they see up to date, ``plan`` has what comes out.
"""
