"""Suanli, the open operating system of a computing center: the server.

Five floors, each importing only downwards: wiring; api and loops; services, adapters and testing; kernel and ports;
model. The rules stand in `docs/architecture.md`, section 2, and are enforced by `.importlinter`.
"""
