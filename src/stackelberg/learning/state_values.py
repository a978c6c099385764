"""Values of states, before anybody acts: what policy gradients subtract.

Shape legend: N pairs, F features.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs.slot_game import SlotGame
from stackelberg.learning.critics import Values
from stackelberg.learning.networks import LinkNetwork
from stackelberg.learning.tokens import TYPICAL_NOISE, FollowerTokens, decades
from stackelberg.learning.transitions import Moment

NUM_TRUE = 5


class StateValues(eqx.Module):
    """What the leader and each follower expect of a slot.

    The leader's value knows no price and a follower's no power, so neither depends on
    the action that it judges.

    Attributes:
        leader: tokens to a pair's share.
        followers: tokens to a pair's value.
        central: whether both see true gains and followers hear of their partners
            (MAPPO), or everybody sees its own observation alone (IPPO).
        scale: values per slot of reward, 1 / (1 - gamma): networks say numbers near
            those of a slot whatever the discount.
    """

    leader: LinkNetwork
    followers: LinkNetwork
    central: bool = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __init__(
        self,
        key: Array,
        features: tuple[int, int],
        stores: int,
        width: int,
        *,
        central: bool,
        scale: float,
    ):
        first, second = jax.random.split(key)
        of_leader, of_followers = features
        more = NUM_TRUE + stores if central else 0
        self.leader = LinkNetwork(first, of_leader + more, 1, width, 1)
        self.followers = LinkNetwork(
            second, of_followers + more, 1, width, 1 if central else 0
        )
        self.central = central
        self.scale = scale

    def __call__(self, now: Moment, followers: FollowerTokens) -> Values:
        """Values in one slot.

        Args:
            now: the slot.
            followers: what followers see, their prices included.
        """
        leads, follows = now.leader.features, followers.features
        partners = now.leader.partners
        if self.central:
            true = jnp.concatenate([true_features(now.game), now.stores], axis=1)
            leads = jnp.concatenate([leads, true], axis=1)
            follows = jnp.concatenate([follows, true], axis=1)
        leader = self.scale * self.leader(leads, partners)[:, 0].mean()
        return Values(leader, self.scale * self.followers(follows, partners)[:, 0])


def true_features(game: SlotGame) -> Float[Array, "N F"]:
    """The slot's gains as they are, one row per pair."""
    typical = TYPICAL_NOISE * game.max_power_w
    shared = game.channel[:, None] == game.channel[None, :]
    columns = [
        decades(game.bs_gain * typical),
        decades(game.noise / typical),
        decades(game.cellular_snr[game.channel]),
        decades(1.0 + game.coupling.sum(axis=-1)),
        0.5 * shared.sum(axis=-1).astype(game.noise.dtype),
    ]
    return jnp.stack(columns, axis=1)
