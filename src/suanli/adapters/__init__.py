"""Floor 3: the outside world behind the ports: databases, engines, devices, identity.

An adapter imports model and ports, never a sibling, never the kernel, and nobody but wiring imports an adapter.
"""
