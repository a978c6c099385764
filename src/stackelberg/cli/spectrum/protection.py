"""`--protect sinr=5dB`: what it takes that every cellular user keeps an SINR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackelberg.cli.quantities import least_sinr
from stackelberg.report.numbers import counted, shown_rate, significant

if TYPE_CHECKING:
    from stackelberg.spectrum import Outcome, Scenario
    from stackelberg.spectrum.protect import Protection


def protection(cell: Scenario, answer: Outcome, asked: str) -> dict[str, Any]:
    """Least scale of all prices at which every cellular user keeps what is `asked`.

    Args:
        cell: the scenario.
        answer: whose prices are scaled.
        asked: as ``sinr=5dB``.

    Returns:
        What is asked, in dB, and what was found, in words and as a record.
    """
    from stackelberg.spectrum.protect import protect
    from stackelberg.units import to_db

    least = least_sinr(asked)
    found = protect(cell, answer, least)
    return {
        "asked_sinr_db": float(to_db(least)),
        "lines": _lines(found, answer),
        "found": found,
    }


def _lines(found: Protection, answer: Outcome) -> list[str]:
    from stackelberg.units import to_db

    asked = f"{significant(to_db(found.min_cellular_sinr), 3)} dB"
    if not found.possible:
        return _why_not(found, asked)
    if found.scale == 0.0:
        return [f"every cellular user keeps {asked} even at full power of all pairs"]
    assert found.outcome is not None  # narrowing: it is there where possible
    shift_db = float(to_db(found.scale))
    if shift_db < 0.0:
        told = (
            f"every cellular user keeps {asked} at these prices, and would at prices "
            f"lower by up to {significant(-shift_db, 3)} dB "
            f"({significant(found.scale)} times these)"
        )
    else:
        told = (
            f"every cellular user keeps {asked} from {significant(found.scale)} times "
            f"these prices ({significant(shift_db, 3)} dB more)"
        )
    lines = [
        f"{told}; the leader's utility would then be "
        f"{shown_rate(found.outcome.leader_utility)} instead of "
        f"{shown_rate(answer.leader_utility)}",
    ]
    if found.limiting_channels:
        lines.append(f"  held back by channel {_listed(found.limiting_channels)}")
    if found.above_max_price:
        pairs = counted(len(found.above_max_price), "price")
        lines.append(f"  {pairs} would be above the upper price bound")
    if found.below_min_price:
        pairs = counted(len(found.below_min_price), "price")
        lines.append(f"  {pairs} would be below the lower price bound")
    if not found.monotone:
        lines.append("  some larger scale does not keep it: a louder pair speaks up")
    if not found.unique:
        lines.append("  the pairs may have another equilibrium at those prices")
    return lines


def _why_not(found: Protection, asked: str) -> list[str]:
    import numpy as np

    from stackelberg.units import to_db

    worst = int(np.argmin(found.cellular_sinr))
    # Rounded down: what is promised must be within reach.
    most_db = np.floor(100.0 * float(to_db(found.cellular_sinr[worst]))) / 100.0
    lines = [
        f"no prices keep {asked} for every cellular user at this channel assignment: "
        "with all pairs at their least power it is missed on channel "
        f"{_listed(found.limiting_channels)}",
        f"  the most that prices can leave every user is {most_db:.2f} dB "
        f"(channel {worst}); other channels for these pairs (--max-pairs-per-channel, "
        "or channel in the scenario) or a lower min_power_w can leave more",
    ]
    if found.hopeless_channels:
        lines.append(
            "  without any pair it is missed on channel "
            + _listed(found.hopeless_channels)
        )
    return lines


def _listed(channels: tuple[int, ...]) -> str:
    return ", ".join(str(i) for i in channels)
