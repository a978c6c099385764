"""The time-varying D2D environment: the spectrum game, slot by slot."""

from stackelberg.envs.conversion import scenario_of
from stackelberg.envs.dynamics import Batteries, Queues
from stackelberg.envs.environment import (
    Step,
    charged_price,
    observe_followers,
    observe_leader,
    reset,
    step,
)
from stackelberg.envs.fading import Fading, Jakes, Rayleigh
from stackelberg.envs.gains import Gains, GainTrace
from stackelberg.envs.information import Information, delayed, full, local, noisy
from stackelberg.envs.make_params import make_params
from stackelberg.envs.mobility import (
    GaussMarkov,
    Mobility,
    Places,
    PlaceTrace,
    RandomWaypoint,
)
from stackelberg.envs.observation import (
    Everything,
    FollowerObservation,
    LeaderObservation,
    Observation,
)
from stackelberg.envs.outcome import Outcome
from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import Action, Memory, State
from stackelberg.envs.trace import Trace, record, replay

__all__ = [
    "Action",
    "Batteries",
    "EnvParams",
    "Everything",
    "Fading",
    "FollowerObservation",
    "GainTrace",
    "Gains",
    "GaussMarkov",
    "Information",
    "Jakes",
    "LeaderObservation",
    "Memory",
    "Mobility",
    "Observation",
    "Outcome",
    "PlaceTrace",
    "Places",
    "Queues",
    "RandomWaypoint",
    "Rayleigh",
    "State",
    "Step",
    "Trace",
    "charged_price",
    "delayed",
    "full",
    "local",
    "make_params",
    "noisy",
    "observe_followers",
    "observe_leader",
    "record",
    "replay",
    "reset",
    "scenario_of",
    "step",
]
