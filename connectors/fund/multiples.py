"""Multiples: what a shareholder's money has become since inception, as GIPS 2020 defines them.

Paid-in capital is all that was paid in, what was paid back and called again included. DPI is distributions over
paid-in, RVPI residual value over paid-in, TVPI both together, PIC paid-in over committed. All are after the
fund's fees, for they are made of the shareholder's own account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import strawberry

from gateway.connector import Row, requires

PLACES = Decimal("0.000001")


@strawberry.type(directives=[requires("fund:reports")])
class FundMultiples:
    """What a shareholder's money has become since inception (GIPS 2020), to six places."""

    pic: Decimal | None = strawberry.field(description="Paid in, of what is committed.")
    dpi: Decimal = strawberry.field(description="Distributed, for each unit paid in.")
    rvpi: Decimal = strawberry.field(description="Still there, for each unit paid in.")
    tvpi: Decimal = strawberry.field(description="Both together.")


@dataclass(frozen=True, slots=True)
class Multiples:
    """The values behind `FundMultiples`."""

    pic: Decimal | None
    dpi: Decimal
    rvpi: Decimal
    tvpi: Decimal


def multiples(paid_in: int, distributed: int, residual: int, committed: int) -> Multiples | None:
    """The multiples of amounts in minor units; None where nothing was paid in, for then there are none."""
    if paid_in <= 0:
        return None
    return Multiples(
        pic=_over(paid_in, committed) if committed > 0 else None,
        dpi=_over(distributed, paid_in),
        rvpi=_over(residual, paid_in),
        # Rounded once: the sum of two rounded quotients is not it.
        tvpi=_over(distributed + residual, paid_in),
    )


def of_positions(positions: Sequence[Row], statements: Sequence[Row | None]) -> list[Multiples | None]:
    """Each position's, from its statement since inception; None where there is no statement."""
    return [
        statement
        and multiples(
            statement.contributions_minor,
            statement.distributions_minor,
            statement.nav_minor,
            position.commitment_minor,
        )
        for position, statement in zip(positions, statements, strict=True)
    ]


def _over(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(PLACES)
