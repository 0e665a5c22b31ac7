"""Milestones: the way of a parcel in words that all carriers share, and the carriers that are known."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum
class Carrier(Enum):
    """Who carries a parcel; `carrierRaw` has the partner's own word."""

    CAINIAO = "CAINIAO"
    CHINA_POST = "CHINA_POST"
    RUSSIAN_POST = "RUSSIAN_POST"
    UNKNOWN = "UNKNOWN"


@strawberry.enum
class Milestone(Enum):
    """What an event means for a parcel. A table of each carrier's codes says it; what is in none is UNKNOWN."""

    ANNOUNCED = strawberry.enum_value("ANNOUNCED", description="Its data are there, the parcel is not.")
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="The carrier has it.")
    IN_TRANSIT = strawberry.enum_value("IN_TRANSIT", description="It moves within a country.")
    EXPORTED = strawberry.enum_value("EXPORTED", description="It left the country it is from.")
    TRANSIT_ARRIVED = strawberry.enum_value("TRANSIT_ARRIVED", description="It came to a country on its way.")
    TRANSIT_DEPARTED = strawberry.enum_value("TRANSIT_DEPARTED", description="It left that country.")
    IMPORTED = strawberry.enum_value("IMPORTED", description="It came to the country it goes to.")
    CUSTOMS_ENTERED = strawberry.enum_value("CUSTOMS_ENTERED", description="It was handed to customs.")
    CUSTOMS_CLEARED = strawberry.enum_value("CUSTOMS_CLEARED", description="Customs let it go.")
    OUT_FOR_DELIVERY = strawberry.enum_value("OUT_FOR_DELIVERY", description="Somebody brings it.")
    AT_PICKUP_POINT = strawberry.enum_value(
        "AT_PICKUP_POINT",
        description="It waits to be fetched. Carriers say signed of this too; it is not delivered.",
    )
    DELIVERY_FAILED = strawberry.enum_value("DELIVERY_FAILED", description="It could not be handed over.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="Its recipient has it.")
    RETURNING = strawberry.enum_value("RETURNING", description="It goes back.")
    RETURNED = strawberry.enum_value("RETURNED", description="Its sender has it again.")
    LOST = strawberry.enum_value("LOST", description="The carrier gave it up.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The code is in no table.")


FINAL = (Milestone.DELIVERED, Milestone.RETURNED, Milestone.LOST)
"""Nothing comes after these."""
