"""The environment of a settings file: `envs.make_params` in plain tables."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from stackelberg import envs
from stackelberg.envs.params import EnvParams
from stackelberg.spectrum.radio import RadioModel
from stackelberg.spectrum.scenario import FixedPriceBounds, InterferencePriceBounds


class Table(BaseModel):
    """A table of a settings file: nothing unknown, nothing converted."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


Waves = Annotated[int, Field(le=100_000)]
"""More are no better, and a cell of them has no room."""


class NoFading(Table):
    """Gains as propagation gives them."""

    kind: Literal["none"]

    def record(self) -> envs.Fading:
        """The argument of `make_params`."""
        return None


class RayleighFading(Table):
    """Independent from slot to slot."""

    kind: Literal["rayleigh"] = "rayleigh"

    def record(self) -> envs.Fading:
        """The argument of `make_params`."""
        return envs.Rayleigh()


class JakesFading(Table):
    """Correlated over time; see `envs.Jakes`."""

    kind: Literal["jakes"]
    doppler_hz: float = 10.0
    waves: Waves = 8

    def record(self) -> envs.Fading:
        """The argument of `make_params`."""
        return envs.Jakes(self.doppler_hz, self.waves)


class Standing(Table):
    """Nobody moves."""

    kind: Literal["none"] = "none"

    def record(self) -> envs.Mobility:
        """The argument of `make_params`."""
        return None


class RandomWaypointWalk(Table):
    """See `envs.RandomWaypoint`."""

    kind: Literal["random_waypoint"]
    min_speed_m_per_s: float = 0.5
    max_speed_m_per_s: float = 1.5

    def record(self) -> envs.Mobility:
        """The argument of `make_params`."""
        return envs.RandomWaypoint(self.min_speed_m_per_s, self.max_speed_m_per_s)


class GaussMarkovWalk(Table):
    """See `envs.GaussMarkov`."""

    kind: Literal["gauss_markov"]
    speed_m_per_s: float = 1.0
    memory_s: float = 10.0

    def record(self) -> envs.Mobility:
        """The argument of `make_params`."""
        return envs.GaussMarkov(self.speed_m_per_s, self.memory_s)


class InformationTable(Table):
    """See `envs.Information`."""

    scope: Literal["local", "full"] = "local"
    sensing: Literal["all", "own"] = "all"
    delay_slots: int = 0
    error_std_db: float | None = None
    memory_slots: float | None = None

    def record(self) -> envs.Information:
        """The argument of `make_params`."""
        return envs.Information(
            self.error_std_db,
            self.scope,
            self.sensing,
            self.delay_slots,
            memory_slots=self.memory_slots,
        )


class QueuesTable(Table):
    """See `envs.Queues`."""

    arrival_probability: float = 0.5
    packet_bits: float = 10e3
    loss_weight: float = 1.0
    deadline_slots: int = 5


class BatteriesTable(Table):
    """See `envs.Batteries`."""

    capacity_j: float = 1.0
    circuit_power_w: float = 0.05
    harvest_w: float = 0.0


class InterferenceBounds(Table):
    """Prices from the one that asks nothing to the one that silences."""

    kind: Literal["interference"] = "interference"

    def record(self) -> InterferencePriceBounds | FixedPriceBounds:
        """The argument of `RadioModel`."""
        return InterferencePriceBounds()


class FixedBounds(Table):
    """The same bounds in every slot."""

    kind: Literal["fixed"]
    min: float
    max: float

    def record(self) -> InterferencePriceBounds | FixedPriceBounds:
        """The argument of `RadioModel`."""
        return FixedPriceBounds(np.asarray(self.min), np.asarray(self.max))


class RadioTable(Table):
    """See `spectrum.RadioModel`."""

    bandwidth_hz: float = 180e3
    noise_figure_db: float = 5.0
    cellular_power_dbm: float = 23.0
    min_power_dbm: float = 0.0
    max_power_dbm: float = 23.0
    min_power_w: float | None = None
    follower_price_weight: float = 1.0
    leader_revenue_weight: float = 1.0
    price_bounds: Annotated[
        InterferenceBounds | FixedBounds, Field(discriminator="kind")
    ] = InterferenceBounds()
    path_loss: Literal["simple", "los_nlos"] = "simple"
    carrier_hz: float = 2e9
    base_station_shadowing_std_db: float = 8.0
    device_shadowing_std_db: float = 7.0
    base_station_decorrelation_m: float = 50.0
    device_decorrelation_m: float = 10.0

    def record(self) -> RadioModel:
        """The argument of `make_params`."""
        fields = _given(self, leave_out=("price_bounds",))
        return RadioModel(**fields, price_bounds=self.price_bounds.record())


class EnvironmentTable(Table):
    """`[environment]`: every argument of `envs.make_params` that is no array.

    Defaults are those of `make_params`.
    """

    num_channels: int = 25
    num_pairs: int = 25
    cell_radius_m: float = 500.0
    d2d_distance_m: tuple[float, float] = (10.0, 50.0)
    slots_per_frame: int = 10
    shadowing_waves: Waves = 32
    switching_loss: float | None = None
    price_inertia: float | None = None
    billing: Literal["instantaneous", "quoted"] = "instantaneous"
    price_per_channel: bool = False
    max_pairs_per_channel: int | None = None
    slot_s: float = 0.02
    horizon_slots: int = 100
    radio: RadioTable = RadioTable()
    fading: Annotated[
        NoFading | RayleighFading | JakesFading, Field(discriminator="kind")
    ] = RayleighFading()
    mobility: Annotated[
        Standing | RandomWaypointWalk | GaussMarkovWalk, Field(discriminator="kind")
    ] = Standing()
    information: InformationTable = InformationTable()
    queues: QueuesTable | None = None
    batteries: BatteriesTable | None = None

    def params(self) -> EnvParams:
        """The environment, checked.

        Raises:
            InputError: a number is outside its domain; `argument` is the key's path
                in this table.
        """
        plain = _given(self, leave_out=_RECORDS)
        return envs.make_params(
            **plain,
            radio=self.radio.record(),
            fading=self.fading.record(),
            mobility=self.mobility.record(),
            information=self.information.record(),
            queues=None if self.queues is None else envs.Queues(**_given(self.queues)),
            batteries=None
            if self.batteries is None
            else envs.Batteries(**_given(self.batteries)),
        )


_RECORDS = ("radio", "fading", "mobility", "information", "queues", "batteries")


def _given(table: Table, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    names = type(table).model_fields
    return {name: getattr(table, name) for name in names if name not in leave_out}
