"""What every store must do, clause by clause of ``suanli.ports.store``. An adapter's tests inherit the classes.

The adapter's test module offers a fixture ``place``, an empty store's whereabouts (:class:`StorePlace`), and imports
the fixtures ``clock`` and ``store``.
"""

from suanli.testing.store_contract.common import StorePlace, agreed, clock, store, together
from suanli.testing.store_contract.concurrency import ConcurrencyContract
from suanli.testing.store_contract.reading import ReadingContract
from suanli.testing.store_contract.tampering import TamperingContract
from suanli.testing.store_contract.transactions import TransactionContract

__all__ = [
    "ConcurrencyContract",
    "ReadingContract",
    "StorePlace",
    "TamperingContract",
    "TransactionContract",
    "agreed",
    "clock",
    "store",
    "together",
]
