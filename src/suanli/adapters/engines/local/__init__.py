"""The local engine: processes of this machine, each run under a supervisor of its own that outlives the server."""
