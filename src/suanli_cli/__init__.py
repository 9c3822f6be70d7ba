"""The `suanli` command and its client. Speaks HTTP only and imports nothing of the server, so it installs alone."""

__version__ = "0.1.0"
