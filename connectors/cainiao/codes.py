"""Codes: Cainiao's `actionCode`s as milestones.

Read in the service's own answers: LH_ARRIVE, CC_IM_SUCCESS, GTMS_OE_DEPART, GTMS_DO_DEPART, GTMS_STA_SIGNED (arrived at
the pick-up point, and not delivered) and GTMS_SIGNED (delivered). The others come from public programs that read the
service; Cainiao itself publishes no table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.connector import Milestone

_OF: Mapping[Milestone, tuple[str, ...]] = {
    Milestone.ANNOUNCED: ("CONSIGN", "GWMS_ACCEPT", "GWMS_PACKAGE", "PRE_READY_TO_SHIP"),
    Milestone.ACCEPTED: ("PU_PICKUP_SUCCESS",),
    Milestone.IN_TRANSIT: (
        *("CW_INBOUND", "CW_OUTBOUND", "CW_SIGN_IN_SUCCESS", "GWMS_OUTBOUND"),
        *("SC_HO_OUT_SUCCESS", "SC_INBOUND_SUCCESS", "SC_OUTBOUND_SUCCESS"),
        *("SC_TRANS_INBOUND_SUCCESS", "SC_TRANS_OUTBOUND_SUCCESS", "TD_TRANS_ARRIVE", "TD_TRANS_DEPART"),
        *("CC_EX_START", "CC_EX_SUCCESS", "LH_HO_AIRLINE", "LH_HO_IN_SUCCESS", "LH_HO_OUT_SUCCESS"),
        *("CC_HO_OUT_SUCCESS", "GTMS_ACCEPT", "GTMS_DO_ARRIVE", "GTMS_OE_DEPART"),
        *("GTMS_SC_ARRIVE", "GTMS_SC_DEPART"),
    ),
    Milestone.EXPORTED: ("LH_DEPART",),
    Milestone.TRANSIT_ARRIVED: ("TD_TRANS_ARRIVE_C",),
    Milestone.TRANSIT_DEPARTED: ("TD_TRANS_DEPART_C",),
    Milestone.IMPORTED: ("LH_ARRIVE",),
    Milestone.CUSTOMS_ENTERED: ("CC_HO_IN_SUCCESS", "CC_IM_START"),
    Milestone.CUSTOMS_CLEARED: ("CC_IM_SUCCESS",),
    Milestone.OUT_FOR_DELIVERY: ("GTMS_DELIVERING", "GTMS_DO_DEPART"),
    Milestone.AT_PICKUP_POINT: ("GSTA_INFORM_BUYER", "GTMS_STA_SIGNED", "GTMS_WAIT_SELF_PICK"),
    Milestone.DELIVERY_FAILED: ("GTMS_SIGN_FAILURE",),
    Milestone.DELIVERED: ("GTMS_SIGNED",),
}

CODES: Mapping[str, Milestone] = {code: milestone for milestone, codes in _OF.items() for code in codes}
"""By code; one that is not here is UNKNOWN."""

_LEFT = {"LH_HO_AIRLINE", "LH_DEPART", "LH_ARRIVE", "TD_TRANS_ARRIVE_C"}
"""After one of these a parcel is on its way out of its country, or out of it."""


def milestone(code: str, before: Collection[str]) -> Milestone:
    """What a code means, after those `before` it in a parcel's history.

    Import may be declared while the parcel is where it was sent, and that is no customs it was handed to.
    """
    if code == "CC_IM_START" and not _LEFT.intersection(before):
        return Milestone.IN_TRANSIT
    return CODES.get(code, Milestone.UNKNOWN)
