"""Floor 2: what the house needs from the outside world, as Protocols named for what the asker needs.

Imports the model and the standard library only. The prose on each method is the contract: what a return guarantees,
the idempotency key, which errors may be retried.
"""
