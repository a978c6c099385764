"""How good a policy is: every metric together, over episodes that all policies share.

No metric says much alone. The leader's utility flatters a policy whose followers lag
behind and are milked; the gain after they re-equilibrate does not, and followers'
regret says how far they are from their best answers. Definitions: docs/learning.md.

Shape legend: E episodes, T slots, M channels, N pairs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from stackelberg import envs
from stackelberg.envs.params import EnvParams
from stackelberg.learning.learner import Policy
from stackelberg.units import from_db

OUTAGE_SINR_DB = 5.0
"""A cellular user below it is in outage."""

Floats = npt.NDArray[np.float64]


class Evaluation(NamedTuple):
    """Sums over the slots of each episode, from which every metric follows [E].

    Attributes:
        leader_utility: bit/s.
        silent_utility: the leader's where every pair is asked its greatest price.
        equilibrium_utility: the leader's at the equilibrium of each slot, with full
            information and on the channels that the policy chose.
        settled_utility: the leader's once followers re-equilibrate at the prices.
        follower_utility: of all pairs, bit/s.
        follower_reward: what the pairs learn from: their utility, or with queues the
            data that got through instead of the rate, less the loss of what expired.
        follower_regret: of all pairs, bit/s.
        d2d_rate: of all pairs, bit/s.
        cellular_rate: of all users, bit/s.
        outages: cellular users below `OUTAGE_SINR_DB`.
        served_bits: of all pairs; 0 without queues.
        expired_bits: of all pairs; 0 without queues.
        found: slots whose equilibrium search settled.
        slots: T.
        channels: M.
        pairs: N.
        queues: whether there are deadlines to miss.
    """

    leader_utility: Floats
    silent_utility: Floats
    equilibrium_utility: Floats
    settled_utility: Floats
    follower_utility: Floats
    follower_reward: Floats
    follower_regret: Floats
    d2d_rate: Floats
    cellular_rate: Floats
    outages: Floats
    served_bits: Floats
    expired_bits: Floats
    found: Floats
    slots: int
    channels: int
    pairs: int
    queues: bool

    def metrics(self) -> dict[str, float | None]:
        """Every metric over all episodes together, ratios as ratios of sums."""
        return _metrics({name: float(np.sum(s)) for name, s in self._sums()}, self)

    def by_episode(self) -> list[dict[str, float | None]]:
        """The same metrics for each episode, paired between policies [E]."""
        return [
            _metrics({name: float(sums[e]) for name, sums in self._sums()}, self, 1)
            for e in range(len(self.leader_utility))
        ]

    def _sums(self) -> list[tuple[str, Floats]]:
        return [
            (name, value)
            for name, value in zip(self._fields, self, strict=True)
            if isinstance(value, np.ndarray)
        ]


METRICS: dict[str, str] = {
    "gain": "share of what pricing is worth at the equilibrium that the leader earned",
    "re_equilibrated_gain": "the same once followers play best answers at the prices",
    "follower_regret": "share of their rate that pairs miss by not answering best",
    "leader_regret": "share of the equilibrium's utility that the prices miss",
    "leader_utility_bps": "per slot",
    "follower_utility_bps": "per slot and pair",
    "follower_reward_bps": "the same of what a pair got through; none without queues",
    "sum_rate_bps": "channel capacity: cellular and pairs, per slot",
    "cellular_outage": "share of cellular users below 5 dB",
    "deadline_misses": "share of the data that expired; none without queues",
    "equilibrium_found": "share of slots whose equilibrium search settled",
}
"""Metric -> what it says."""


def evaluate(
    policy: Policy, params: EnvParams, *, seed: int, episodes: int, slots: int
) -> Evaluation:
    """Play episodes with a policy and measure everything.

    Two policies given the same seed meet the same worlds, slot by slot; the same call
    gives the same bits.

    Args:
        policy: deterministic; of any training, in an environment of any size.
        params: the environment's; its `auto_reset`, `horizon_slots` are not used.
        seed: of the episodes.
        episodes: E.
        slots: T, of each.
    """
    judged = replace(
        params,
        auto_reset=False,
        horizon_slots=jnp.int32(slots),
        equilibrium="bilevel",
    )
    keys = jax.random.split(jax.random.key(seed), episodes)
    states = _begun(keys, judged)
    sums: dict[str, Floats] = {}
    for _ in range(slots):
        states, told = _stepped(keys, states, _acted(policy, states, judged), judged)
        for name, values in told.items():
            so_far = sums.get(name, np.zeros(episodes))
            sums[name] = so_far + np.asarray(values, np.float64)
    return Evaluation(
        **sums,
        slots=slots,
        channels=params.num_channels,
        pairs=params.num_pairs,
        queues=params.queues is not None,
    )


@jax.jit
def _begun(keys: Array, params: EnvParams) -> envs.State:
    return jax.vmap(lambda key: envs.reset(key, params))(keys)


@eqx.filter_jit
def _acted(policy: Policy, states: envs.State, params: EnvParams) -> envs.Action:
    """What the policy does in each episode's slot [E, ...]."""

    def act(state: envs.State) -> envs.Action:
        price = policy.act_leader(envs.observe_leader(state, params), params)
        seen = envs.observe_followers(state, price, params)
        return envs.Action(price, *policy.act_followers(seen, params))

    return jax.vmap(act)(states)


# Apart from `_acted`, so that the search for equilibria compiles once for all policies.
@jax.jit
def _stepped(
    keys: Array, states: envs.State, actions: envs.Action, params: EnvParams
) -> tuple[envs.State, dict[str, Float[Array, " E"]]]:
    def one(
        key: Array, state: envs.State, action: envs.Action
    ) -> tuple[envs.State, dict[str, Array]]:
        after = envs.step(key, state, action, params)
        return after.state, _told(after)

    return jax.vmap(one)(keys, states, actions)


def _told(after: envs.Step) -> dict[str, Array]:
    """What a slot adds to the sums."""
    outcome, info = after.outcome, after.info
    assert info is not None  # params.equilibrium is set
    zero = jnp.zeros_like(after.leader_reward)
    served, expired = after.served_bits, after.expired_bits
    found = info.equilibrium
    return {
        "leader_utility": outcome.leader_utility,
        "silent_utility": found.silent_utility,
        "equilibrium_utility": found.leader_utility,
        "settled_utility": found.leader_utility - info.leader_regret,
        "follower_utility": outcome.follower_utility.sum(),
        "follower_reward": after.follower_reward.sum(),
        "follower_regret": info.follower_regret.sum(),
        "d2d_rate": outcome.d2d_rate_bps.sum(),
        "cellular_rate": outcome.cellular_rate_bps.sum(),
        "outages": (outcome.cellular_sinr < from_db(OUTAGE_SINR_DB)).sum(),
        "served_bits": zero if served is None else served.sum(),
        "expired_bits": zero if expired is None else expired.sum(),
        "found": found.converged.astype(zero.dtype),
    }


def _metrics(
    sums: dict[str, float], of: Evaluation, episodes: int | None = None
) -> dict[str, float | None]:
    count = len(of.leader_utility) if episodes is None else episodes
    slots = count * of.slots
    silent = sums["silent_utility"]
    worth = sums["equilibrium_utility"] - silent
    regret = sums["follower_regret"]
    data = sums["served_bits"] + sums["expired_bits"]
    missed = sums["equilibrium_utility"] - sums["settled_utility"]
    reward = sums["follower_reward"] / (slots * of.pairs)
    return {
        "gain": _share(sums["leader_utility"] - silent, worth),
        "re_equilibrated_gain": _share(sums["settled_utility"] - silent, worth),
        "follower_regret": _share(regret, sums["d2d_rate"] + regret),
        "leader_regret": _share(missed, sums["equilibrium_utility"]),
        "leader_utility_bps": sums["leader_utility"] / slots,
        "follower_utility_bps": sums["follower_utility"] / (slots * of.pairs),
        "follower_reward_bps": reward if of.queues else None,
        "sum_rate_bps": (sums["d2d_rate"] + sums["cellular_rate"]) / slots,
        "cellular_outage": sums["outages"] / (slots * of.channels),
        "deadline_misses": _share(sums["expired_bits"], data) if of.queues else None,
        "equilibrium_found": sums["found"] / slots,
    }


def _share(part: float, whole: float) -> float | None:
    """Part / whole; None where there is no whole."""
    return part / whole if whole > 0.0 else None
