"""The trained networks of leader and followers as one policy."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs import (
    EnvParams,
    FollowerObservation,
    LeaderObservation,
)
from stackelberg.envs.environment import observe_followers, observe_leader, reset
from stackelberg.learning.channel_choice import Channels, drawn_channel
from stackelberg.learning.heads import answer_w, follower_power_w, price_of_answer
from stackelberg.learning.networks import LinkNetwork
from stackelberg.learning.tokens import (
    FollowerTokens,
    LeaderTokens,
    follower_tokens,
    leader_tokens,
)


class LinkPolicy(eqx.Module):
    """One network for the leader, one shared by all followers.

    Attributes:
        leader: tokens to answers asked for.
        followers: tokens to corrections of the best response.
        chooser: tokens per channel to a score; None: channels are kept.
        residual: whether the leader corrects the conjectural equilibrium on what it
            sees, or speaks for itself.
    """

    leader: LinkNetwork
    followers: LinkNetwork
    chooser: LinkNetwork | None
    residual: bool = eqx.field(static=True)

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, " N"]:
        """The posted prices [N]."""
        tokens = leader_tokens(observation, params)
        answer = self.answer_w(self.speak(tokens), tokens, params)
        return price_of_answer(answer, tokens.quoted_gain, params.radio)

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """Each pair's channel and transmit power in W, from its own row alone."""
        channel = self.choose(observation, params)
        tokens = follower_tokens(observation, channel, params)
        return channel, self.power_w(tokens, params)

    def choose(
        self, observation: FollowerObservation, params: EnvParams
    ) -> Int[Array, " N"]:
        """The channel of each pair [N]."""
        if self.chooser is None:
            return observation.channel
        return channel_scores(self.chooser, observation, params).argmax(axis=1)

    def try_followers(
        self, key: Array, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """`act_followers`, but channels are drawn with the odds of their scores."""
        channel = observation.channel
        if self.chooser is not None:
            scores = channel_scores(self.chooser, observation, params)
            channel = drawn_channel(key, scores)
        tokens = follower_tokens(observation, channel, params)
        return channel, self.power_w(tokens, params)

    def speak(self, tokens: LeaderTokens) -> Float[Array, "N 2"]:
        """The leader network's outputs."""
        return self.leader(tokens.features, tokens.partners)

    def answer_w(
        self, output: Float[Array, "N 2"], tokens: LeaderTokens, params: EnvParams
    ) -> Float[Array, " N"]:
        """The answers b = p + s, in W, that an output asks for [N]."""
        return answer_w(output[:, 0], tokens, params, residual=self.residual)

    def power_w(
        self,
        tokens: FollowerTokens,
        params: EnvParams,
        wiggle: Float[Array, "N 2"] | float = 0.0,
    ) -> Float[Array, " N"]:
        """The followers' powers on the channels of `tokens` [N].

        Args:
            tokens: of the followers.
            params: the environment's.
            wiggle: added to what the network says, to explore.
        """
        alone = jnp.zeros((len(tokens.features),) * 2, bool)
        output = self.followers(tokens.features, alone) + wiggle
        return follower_power_w(output, tokens, params)


def channel_scores(
    chooser: LinkNetwork, observation: FollowerObservation, params: EnvParams
) -> Float[Array, "N M"]:
    """How much each pair likes each channel, before any noise [N, M]."""
    return scores_of(chooser, tokens_everywhere(observation, params))


def tokens_everywhere(
    observation: FollowerObservation, params: EnvParams
) -> FollowerTokens:
    """Each pair's token on every channel, with leading axes [M, N]."""
    num_pairs = len(observation.channel)

    def of_channel(channel: Array) -> FollowerTokens:
        everyone = jnp.full(num_pairs, channel, jnp.int32)
        return follower_tokens(observation, everyone, params)

    return jax.vmap(of_channel)(jnp.arange(params.num_channels))


def on_channel(tokens: FollowerTokens, channel: Int[Array, " N"]) -> FollowerTokens:
    """Each pair's token on its channel, of those on all [M, N]."""
    pair = jnp.arange(len(channel))
    return jax.tree.map(lambda leaf: leaf[channel, pair], tokens)


def scores_of(chooser: LinkNetwork, tokens: FollowerTokens) -> Float[Array, "N M"]:
    """The scores of channels by their tokens [M, N, ...]."""
    alone = jnp.zeros((tokens.features.shape[1],) * 2, bool)
    said = jax.vmap(lambda features: chooser(features, alone)[:, 0])(tokens.features)
    return said.T


def feature_counts(params: EnvParams) -> tuple[int, int]:
    """Features per token of the leader and of the followers."""

    def tokens(key: Array) -> tuple[Array, Array]:
        state = reset(key, params)
        prices = jnp.ones(params.num_pairs, params.dtype)
        leader = leader_tokens(observe_leader(state, params), params)
        seen = observe_followers(state, prices, params)
        return leader.features, follower_tokens(seen, seen.channel, params).features

    leader, followers = jax.eval_shape(tokens, jax.random.key(0))
    return leader.shape[-1], followers.shape[-1]


def new_policy(
    key: Array,
    params: EnvParams,
    *,
    width: int = 32,
    rounds: int = 1,
    residual: bool = False,
    channels: Channels = "kept",
) -> LinkPolicy:
    """Untrained networks: near the base point of every head.

    Args:
        key: of the initial weights.
        params: the environment; only what its agents can see matters.
        width: of every layer.
        rounds: of attention among partners, leader only: a follower sees itself alone.
        residual: whether the leader corrects the conjectural equilibrium.
        channels: whether pairs choose channels.
    """
    of_leader, of_followers = feature_counts(params)
    first, second, third = jax.random.split(key, 3)
    chooser = None
    if channels == "learned":
        chooser = LinkNetwork(third, of_followers, 1, width, 0)
    return LinkPolicy(
        leader=LinkNetwork(first, of_leader, 2, width, rounds),
        followers=LinkNetwork(second, of_followers, 2, width, 0),
        chooser=chooser,
        residual=residual,
    )
