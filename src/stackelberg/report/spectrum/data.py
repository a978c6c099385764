"""All that a report of the spectrum game shows, as plain records: figures and tables
read nothing else.

Units are in the names; ratios are linear unless a name ends in ``_db``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from stackelberg.report.certificate import CertificateRecord


@dataclass(frozen=True)
class PlaceRecord:
    """Where a base station or cellular user stands.

    Attributes:
        kind: ``base station`` or ``cellular user``.
        label: what a reader calls it.
        x_m: east of the base station.
        y_m: north of the base station.
    """

    kind: str
    label: str
    x_m: float
    y_m: float


@dataclass(frozen=True)
class PairRecord:
    """One D2D pair at the answer.

    Attributes:
        pair: its number.
        channel: the channel it reuses.
        reuse_price: utility (bit/s) per W of interference at the base station.
        lowest_price: lower end of its price box at the others' powers.
        highest_price: upper end of that box.
        transmit_power_dbm: its power.
        limit: what holds its power where it is, in words.
        interference_margin_db: cellular signal over the pair's own interference at
            full power, both at the base station.
        payment_bps: what it pays, before weighting.
        spend_share: payment over B, the most an unclipped pair pays.
        sinr_db: at its receiver.
        rate_bps: its rate.
        utility_bps: its rate minus its weighted payment.
        transmitter_x_m, transmitter_y_m, receiver_x_m, receiver_y_m: where it stands,
            from the base station; None where the scenario has no positions.
    """

    pair: int
    channel: int
    reuse_price: float
    lowest_price: float
    highest_price: float
    transmit_power_dbm: float
    limit: str
    interference_margin_db: float
    payment_bps: float
    spend_share: float
    sinr_db: float
    rate_bps: float
    utility_bps: float
    transmitter_x_m: float | None = None
    transmitter_y_m: float | None = None
    receiver_x_m: float | None = None
    receiver_y_m: float | None = None


@dataclass(frozen=True)
class CellularRecord:
    """One cellular user at the answer; SINR is at the base station.

    Attributes:
        channel: its channel.
        pairs: how many pairs reuse it.
        sinr_alone_db: without reuse.
        sinr_db: at the answer.
        least_power_sinr_db: with every pair of the channel at the least power, which is
            the most that prices can do for the user on these channels.
        full_power_sinr_db: with every pair of the channel at the greatest power, as if
            reuse were free.
        rate_alone_bps: without reuse.
        rate_bps: at the answer.
        payments_worth_bps: of the channel's pairs, as the leader's utility weights it.
    """

    channel: int
    pairs: int
    sinr_alone_db: float
    sinr_db: float
    least_power_sinr_db: float
    full_power_sinr_db: float
    rate_alone_bps: float
    rate_bps: float
    payments_worth_bps: float


@dataclass(frozen=True)
class MethodRecord:
    """What one method reaches on the scenario.

    Attributes:
        method: its name, e.g. ``bilevel``; see `theme.METHODS`.
        leader_utility_bps: cellular rates plus weighted payments.
        sum_rate_bps: cellular plus D2D rates.
        cellular_rate_lost: share of the cellular rate that reuse costs.
        users_below_5_db: cellular users whose SINR at the base station is below 5 dB.
        follower_regret: most that a pair could gain alone, over its utility.
        price_regret: most that one price could gain if the others' powers stayed put,
            over the leader utility.
        bilevel_gap: what the leader could at most still gain, over the leader utility;
            None where no bound was computed.
        seconds: of the method; None where nobody measured.
        cellular_sinr_db: at the base station, per channel.
        d2d_sinr_db: at each active pair's receiver.
    """

    method: str
    leader_utility_bps: float
    sum_rate_bps: float
    cellular_rate_lost: float
    users_below_5_db: int
    follower_regret: float | None
    price_regret: float | None
    bilevel_gap: float | None
    seconds: float | None
    cellular_sinr_db: tuple[float, ...]
    d2d_sinr_db: tuple[float, ...]


@dataclass(frozen=True)
class SweepRecord:
    """Sum rate of one method at one number of pairs, over several cells.

    Attributes:
        method: its name.
        num_pairs: pairs in each cell.
        sum_rate_bps: mean over the cells.
        lowest_bps: least of the cells.
        highest_bps: greatest of the cells.
        cells: how many.
    """

    method: str
    num_pairs: int
    sum_rate_bps: float
    lowest_bps: float
    highest_bps: float
    cells: int


@dataclass(frozen=True)
class FlatnessRecord:
    """What the leader loses when powers are moved off the answer.

    Attributes:
        shift_db: by how much.
        which: which powers moved, in words.
        lost: share of the leader utility lost.
    """

    shift_db: float
    which: str
    lost: float


@dataclass(frozen=True)
class CapRecord:
    """The leader utility under a cap on pairs per channel, channels assigned anew.

    Attributes:
        cap: most pairs per channel.
        leader_utility_bps: reached under it.
        gain: over the answer's leader utility, as a share of it; negative for a loss.
        used_channels: channels with at least one pair.
    """

    cap: int
    leader_utility_bps: float
    gain: float
    used_channels: int


@dataclass(frozen=True)
class ReportData:
    """One scenario, its answer, and what the answer is compared with.

    Attributes:
        title: of the page.
        subtitle: what was solved, in one line.
        concept: ``bilevel``, ``iterated`` or ``published``.
        status: how the solve ended.
        advice: what that status means.
        facts: names and values of the scenario, as text.
        places: base station and cellular users; empty without positions.
        pairs: the D2D pairs.
        pairs_per_channel: how many pairs each channel carries.
        cellular: the cellular users.
        methods: compared on this scenario; may be empty.
        sweep: sum rate against number of pairs; may be empty.
        flatness: what moved powers cost; may be empty.
        caps: what caps on pairs per channel cost; may be empty.
        certificate: of the answer.
        story: what the answer looks like, in sentences.
        protection: what it takes that every cellular user keeps an SINR; may be empty.
    """

    title: str
    subtitle: str
    concept: str
    status: str
    advice: str
    facts: tuple[tuple[str, str], ...]
    places: tuple[PlaceRecord, ...]
    pairs: tuple[PairRecord, ...]
    pairs_per_channel: tuple[int, ...]
    cellular: tuple[CellularRecord, ...]
    methods: tuple[MethodRecord, ...]
    sweep: tuple[SweepRecord, ...]
    flatness: tuple[FlatnessRecord, ...]
    caps: tuple[CapRecord, ...]
    certificate: tuple[CertificateRecord, ...]
    story: tuple[str, ...]
    protection: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, for JSON."""
        return asdict(self)
