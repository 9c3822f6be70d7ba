"""Ports: Protocols named for what the asker needs. The contract of each stands on its methods; adapters keep it."""
