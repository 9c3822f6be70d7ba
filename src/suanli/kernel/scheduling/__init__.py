"""The scheduling kernel: the center as tables in, a plan with reasons out; the same loops live and in replay.

The steps of a turn are ``core``'s, one file each. ``state`` keeps a live center's tables up to date, ``cycle`` takes a
turn on them, ``refusals`` and ``explain`` say why what waits does, ``plan`` has what comes out.
"""
