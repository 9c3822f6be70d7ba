"""The store on SQLite and PostgreSQL: facts, the tables folded from them, and the chain that guards them.

One file per aggregate holds its table, how a record lies in it, and its questions. ``transaction`` gathers what callers
append, ``commit`` makes groups of them durable, ``replay`` proves that tables and facts agree.
"""

from suanli.adapters.database.store import DatabaseStore, open_store

__all__ = ["DatabaseStore", "open_store"]
