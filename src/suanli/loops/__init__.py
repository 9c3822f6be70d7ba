"""Floor 4: what happens without being asked: schedule, launch, observe, meter.

Each turn is one service call and one transaction, with no network inside it. It imports model, ports and services,
and of the kernel only types.
"""
