"""The faults of the list, F01 to F52: what the wire does, what the gateway must do, and what shows that it does."""

from __future__ import annotations

from tests.faults.aliexpress import ALIEXPRESS
from tests.faults.mailru import MAILRU
from tests.faults.others import OTHERS

LISTED = (*ALIEXPRESS, *MAILRU, *OTHERS)
