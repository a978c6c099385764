"""The time-varying D2D environment: the spectrum game, slot by slot."""

from stackelberg.envs.batch import step_batch
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
from stackelberg.envs.equilibrium import (
    SlotEquilibrium,
    SlotInfo,
    follower_regret,
    gain,
    leader_regret,
    mean_gain,
    re_equilibrated_gain,
    re_equilibrated_utility,
    relative_follower_regret,
    slot_equilibrium,
    slot_info,
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
from stackelberg.envs.slot_game import (
    SlotGame,
    best_responses,
    follower_response,
    implied_price,
    slot_game,
    utilities,
)
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
    "SlotEquilibrium",
    "SlotGame",
    "SlotInfo",
    "State",
    "Step",
    "Trace",
    "best_responses",
    "charged_price",
    "delayed",
    "follower_regret",
    "follower_response",
    "full",
    "gain",
    "implied_price",
    "leader_regret",
    "local",
    "make_params",
    "mean_gain",
    "noisy",
    "observe_followers",
    "observe_leader",
    "re_equilibrated_gain",
    "re_equilibrated_utility",
    "record",
    "relative_follower_regret",
    "replay",
    "reset",
    "scenario_of",
    "slot_equilibrium",
    "slot_game",
    "slot_info",
    "step",
    "step_batch",
    "utilities",
]
