"""Orders of the queue, one small pure function a file: what one row asks in, its key out, smaller goes first.

Every order takes the same (``asked.Asked``, and now in microseconds), so that any of them can stand where any other
does; ``slowdown`` alone compares rows with each other, and takes them all. Equal keys are told apart by id, which the
caller does. Published formulas are in seconds and processors; a processor is 1,000 milli-cpus here, and the size of a
row is its tasks times the processors of one task.
"""
