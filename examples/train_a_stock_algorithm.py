"""Train the leader with an algorithm from elsewhere, through Gymnasium alone.

CMA-ES (the package `cma`) searches for the weights of a small pricing policy. It knows
nothing of the game: it sees a Gymnasium environment in which the pairs answer every
price by their equilibrium. Needs `pip install "stackelberg[envs]" cma`.
"""

import warnings

import gymnasium
import numpy as np

from stackelberg import envs
from stackelberg.envs import faces
from stackelberg.spectrum import RadioModel

with warnings.catch_warnings():  # it misses matplotlib, for pictures of its own
    warnings.simplefilter("ignore")
    import cma  # type: ignore

SLOTS = 10
params = envs.make_params(
    num_channels=3,
    num_pairs=6,
    radio=RadioModel(follower_price_weight=0.3, min_power_w=0.0),
    horizon_slots=SLOTS,
)
leader = faces.LeaderEnv(params, prices="relative")
env = gymnasium.wrappers.RescaleAction(leader, np.float32(-1.0), np.float32(1.0))
names = leader.observation_names
to_bs = np.array([name.startswith("d2d_to_bs_db") for name in names])
cellular = np.array([name.startswith("cellular_to_bs_db") for name in names])


def prices(weights: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """One price per pair: a constant, its gain to the base station, the cell's."""
    gain = seen[to_bs].reshape(3, 6).mean(axis=0) / 10.0 + 10.0
    strength = np.full(6, seen[cellular].mean() / 10.0 + 10.0)
    linear = np.stack([np.ones(6), gain, strength], axis=1) @ weights
    return np.tanh(linear)[None].astype(np.float32)


def utility(weights: np.ndarray, seeds: range) -> float:
    """Mean utility of the leader per slot, Mbit/s, over whole episodes."""
    total = 0.0
    for seed in seeds:
        seen, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            seen, reward, terminated, truncated, _ = env.step(prices(weights, seen))
            total += float(reward)
            ended = terminated or truncated
    return total / (1e6 * SLOTS * len(seeds))


search = cma.CMAEvolutionStrategy(
    [0.0, 0.0, 0.0], 0.5, {"seed": 1, "verbose": -9, "popsize": 8}
)
steps = 0
for generation in range(12):
    candidates = search.ask()
    seeds = range(4 * generation, 4 * generation + 4)
    search.tell(candidates, [-utility(weights, seeds) for weights in candidates])
    steps += len(candidates) * len(seeds) * SLOTS

unseen = range(1000, 1020)
before = utility(np.zeros(3), unseen)
after = utility(search.result.xfavorite, unseen)
print(f"{steps} steps: {before:.3f} -> {after:.3f} Mbit/s a slot in unseen cells")
