"""Floor 3: fakes for the ports, builders, and the conformance suites every adapter must pass.

Shipped with the server, because whoever writes an engine or a device adapter elsewhere needs them too.
"""
