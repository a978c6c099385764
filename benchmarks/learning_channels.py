"""Channels that pairs learn to choose, against channels that stay as they were drawn.

Run: .venv/bin/python benchmarks/learning_channels.py [OUT.json] [--seeds 5]
[--env-steps 24000] [--episodes 32] [--methods a,b] [--doppler 10]
[--switching-loss .2] [--assigned 16]

The reference cell of `benchmarks/learning.py`: 4 channels, 8 pairs, local state one
slot late, quoted billing. All policies play the same episodes of 20 slots. `gain` and
its kin are of the equilibrium on the channels that the policy itself chose; `of_drawn`
is what the leader earned above silence over what the equilibrium earns above it on the
channels that were drawn, in the same slots; it may be more than 1.
`switched` is the share of pairs that changed channel in a slot, `pair_reward_bps` what
is left of a pair's utility after what changing loses. 95 % bootstrap intervals over
seeds and episodes. `--assigned`: in one slot of so many episodes, the best channels
that a search with full information finds for the leader.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.slot_game import slot_game
from stackelberg.learning import METHODS, evaluate, make_learner
from stackelberg.learning.policy import LinkPolicy, tokens_everywhere
from stackelberg.learning.simple_policies import Conjectural
from stackelberg.learning.tokens import follower_tokens
from stackelberg.spectrum import RadioModel
from stackelberg.spectrum.assignment import assign_channels

SLOTS = 20
GRADIENTS = (
    "response_gradient_residual",
    "response_gradient",
    "single_level",
    "imitation",
)
SHOWN = (
    "gain",
    "re_equilibrated_gain",
    "follower_regret",
    "leader_utility_bps",
    "follower_utility_bps",
    "sum_rate_bps",
)


def world(doppler_hz: float, switching_loss: float | None) -> Any:
    return envs.make_params(
        num_channels=4,
        num_pairs=8,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        fading=envs.Jakes(doppler_hz),
        information=envs.delayed(1),
        billing="quoted",
        switching_loss=switching_loss,
    )


class Nearsighted(NamedTuple):
    """The conjectural equilibrium's prices; pairs go where they expect most at once.

    That is by what they know: late gains, and what other pairs sent on the last
    channel, taken for as much elsewhere.
    """

    def act_leader(self, observation: Any, params: Any) -> Any:
        """The conjectural equilibrium's prices."""
        return Conjectural().act_leader(observation, params)

    def act_followers(self, observation: Any, params: Any) -> Any:
        """The channel that promises most, and the delayed best answer on it."""
        tokens = tokens_everywhere(observation, params)
        radio = params.radio
        power = jnp.clip(
            tokens.answer_w - tokens.noise_w, radio.min_power_w, radio.max_power_w
        )
        expected = jnp.log1p(power / tokens.noise_w) - power / tokens.answer_w
        channel = expected.argmax(axis=0).astype(jnp.int32)
        return channel, power[channel, jnp.arange(len(channel))]


class Mixed(NamedTuple):
    """A trained leader; pairs choose nearsightedly, and power as they were trained.

    Beside the trained policy, which meets the same leader, it tells what the trained
    choice of channels brings.
    """

    trained: Any

    def act_leader(self, observation: Any, params: Any) -> Any:
        """The trained leader's prices."""
        return self.trained.act_leader(observation, params)

    def act_followers(self, observation: Any, params: Any) -> Any:
        """The trained power on the channel that promises most."""
        channel, _ = Nearsighted().act_followers(observation, params)
        tokens = follower_tokens(observation, channel, params)
        return channel, self.trained.power_w(tokens, params)


@jax.jit
def switches(policy: Any, key: Any, params: Any) -> Any:
    """The share of pairs that change channel in a slot of one episode."""

    def one(state: Any, key: Any) -> Any:
        price = policy.act_leader(envs.observe_leader(state, params), params)
        seen = envs.observe_followers(state, price, params)
        action = envs.Action(price, *policy.act_followers(seen, params))
        changed = (action.channel != state.memory.channel).mean()
        return envs.step(key, state, action, params).state, changed

    keys = jax.random.split(key, SLOTS)
    return jax.lax.scan(one, envs.reset(key, params), keys)[1].mean()


def judged(policy: Any, params: Any, episodes: int) -> dict[str, Any]:
    """Every metric, and the sums that `of_drawn` and intervals need."""
    found = evaluate(policy, params, seed=1_000_000, episodes=episodes, slots=SLOTS)
    keys = jax.random.split(jax.random.key(1_000_001), 16)
    share = jax.vmap(switches, in_axes=(None, 0, None))(policy, keys, params)
    metrics = found.metrics()
    return {
        **{name: metrics[name] for name in SHOWN},
        "pair_reward_bps": float(found.follower_reward.mean()) / SLOTS / found.pairs,
        "switched": float(share.mean()),
        "earned": found.leader_utility - found.silent_utility,
        "worth": found.equilibrium_utility - found.silent_utility,
        "episodes": found.by_episode(),
    }


def told(runs: list[dict[str, Any]], drawn: Any) -> dict[str, Any]:
    """Means over seeds, with intervals over seeds and episodes."""
    draw = np.random.default_rng(0)
    for one in runs:
        one["of_drawn"] = float(one["earned"].sum() / drawn.sum())
    earned = np.stack([one["earned"] for one in runs])
    many: list[float] = []
    for _ in range(2000):
        seed = draw.integers(0, len(runs), len(runs))
        episode = draw.integers(0, len(drawn), len(drawn))
        many.append(earned[seed][:, episode].sum(axis=1).mean() / drawn[episode].sum())
    low, high = np.quantile(many, [0.025, 0.975])
    names = (*SHOWN, "pair_reward_bps", "switched", "of_drawn")
    mean = {name: round(float(np.mean([r[name] for r in runs])), 5) for name in names}
    each = {
        name: [round(float(r[name]), 5) for r in runs]
        for name in ("of_drawn", "re_equilibrated_gain", "follower_regret")
    }
    interval = [round(float(low), 4), round(float(high), 4)]
    return {**mean, "of_drawn_interval": interval, "seeds": each}


def assigned(params: Any, episodes: int) -> dict[str, float]:
    """What the leader would earn above silence with channels assigned for it.

    Over what the equilibrium earns on drawn channels, in the sixth slot of episodes.
    """
    keys = jax.random.split(jax.random.key(1_000_000), episodes)
    states = jax.vmap(envs.reset, in_axes=(0, None))(keys, params)
    states = states._replace(slot=states.slot + 5)

    def solved(state: Any) -> Any:
        found = slot_equilibrium(slot_game(state, params, state.memory.channel))
        return found.leader_utility, found.silent_utility

    drawn, silent = (
        np.asarray(x, np.float64) for x in jax.jit(jax.vmap(solved))(states)
    )
    best: list[float] = []
    for episode in range(episodes):
        state = jax.tree.map(lambda leaf, at=episode: leaf[at], states)
        scenario = envs.scenario_of(state, params)
        found = assign_channels(scenario, method="local_search")
        best.append(found.leader_utility_estimate)
    worth = float((drawn - silent).sum())
    return {
        "assigned_of_drawn": round(float((np.asarray(best) - silent).sum() / worth), 4),
        "slots": episodes,
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("output", type=Path, nargs="?")
    ask.add_argument("--methods", default="response_gradient_residual")
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--env-steps", type=int, default=24_000)
    ask.add_argument("--episodes", type=int, default=32)
    ask.add_argument("--doppler", type=float, default=10.0)
    ask.add_argument("--switching-loss", type=float)
    ask.add_argument("--assigned", type=int, default=0)
    given = ask.parse_args()
    params = world(given.doppler, given.switching_loss)
    report: dict[str, Any] = {
        "doppler_hz": given.doppler,
        "switching_loss": given.switching_loss,
        "env_steps": given.env_steps,
    }

    def note(name: str, found: Any) -> None:
        report[name] = found
        print(name, json.dumps(found), flush=True)
        if given.output is not None:
            given.output.write_text(json.dumps(report, indent=1) + "\n")

    if given.assigned:
        note("assigned", assigned(params, given.assigned))
    same = judged(Conjectural(), params, given.episodes)
    drawn = same["worth"]
    note("conjectural", told([same], drawn))
    near = judged(Nearsighted(), params, given.episodes)
    note("nearsighted", told([near], drawn))
    for method in filter(None, given.methods.split(",")):
        for channels in ("kept", "learned"):
            settings: dict[str, Any] = {"channels": channels}
            if method in GRADIENTS:
                settings["decay_env_steps"] = given.env_steps
            elif hasattr(METHODS[method], "gamma"):
                settings["gamma"] = 0.0
            learner = make_learner(METHODS[method](**settings), params)
            runs: list[dict[str, Any]] = []
            mixed: list[dict[str, Any]] = []
            begin = time.process_time()
            for seed in range(given.seeds):
                state, steps = learner.start(jax.random.key(seed)), 0
                while steps < given.env_steps:
                    state, _ = learner.advance(state)
                    steps += learner.env_steps_per_chunk
                policy: Any = learner.policy(state)
                runs.append(judged(policy, params, given.episodes))
                if channels == "learned" and isinstance(policy, LinkPolicy):
                    mixed.append(judged(Mixed(policy), params, given.episodes))
            seconds = round(time.process_time() - begin, 1)
            found = {**told(runs, drawn), "cpu_s": seconds}
            note(f"{method}, {channels}", found)
            if mixed:
                note(f"{method}, its leader alone", told(mixed, drawn))


if __name__ == "__main__":
    main()
