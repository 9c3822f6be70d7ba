"""Orders of the queue, one small pure function a file: columns of what waits in, one key a row out, smaller goes first.

Every order takes the same columns, so that any of them can stand where any other does: instants of submission,
requested and predicted run times, tasks, milli-cpus of one task, the instants since which each row is eligible (all
in microseconds, int64), and now. Equal keys are told apart by id, which the caller does. Published formulas are in
seconds and processors; a processor is 1,000 milli-cpus here, and the size of a row is its tasks times the processors
of one task.
"""
