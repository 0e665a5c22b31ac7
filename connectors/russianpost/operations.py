"""Operations: Russian Post's codes, a type and an attribute each, as milestones.

Documented by the partner: types 1 to 12 and 33, the attributes 0 to 9 and 13 of type 8, those of type 12. From
secondary sources: types 13 and 14, and that attribute 2 of type 2 is a delivery to the sender.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.connector import Milestone

OPERATIONS: Mapping[tuple[int, int | None], Milestone] = {
    (1, None): Milestone.ACCEPTED,
    (2, None): Milestone.DELIVERED,
    (2, 2): Milestone.RETURNED,
    (3, None): Milestone.RETURNING,
    (4, None): Milestone.IN_TRANSIT,
    (5, None): Milestone.DELIVERY_FAILED,
    (6, None): Milestone.AT_PICKUP_POINT,
    (7, None): Milestone.AT_PICKUP_POINT,
    (8, None): Milestone.IN_TRANSIT,
    # Arrived at the place of delivery: the post office has it, its recipient has not.
    (8, 2): Milestone.AT_PICKUP_POINT,
    (8, 9): Milestone.AT_PICKUP_POINT,
    (8, 13): Milestone.IMPORTED,
    (9, None): Milestone.IMPORTED,
    (10, None): Milestone.EXPORTED,
    (11, None): Milestone.CUSTOMS_ENTERED,
    (12, None): Milestone.DELIVERY_FAILED,
    (13, None): Milestone.IN_TRANSIT,
    (14, None): Milestone.CUSTOMS_CLEARED,
    (33, None): Milestone.IN_TRANSIT,
}
"""By type and attribute; None is any attribute that is not named."""


def milestone(
    kind: int, attribute: int, country: str | None, origin: str | None, destination: str | None
) -> Milestone:
    """What an operation in a country means for a parcel on its way from `origin` to `destination`."""
    found = OPERATIONS.get((kind, attribute)) or OPERATIONS.get((kind, None), Milestone.UNKNOWN)
    if found is Milestone.IMPORTED and country and destination and country != destination:
        return Milestone.TRANSIT_ARRIVED
    if found is Milestone.EXPORTED and country and origin and country != origin:
        return Milestone.TRANSIT_DEPARTED
    return found
