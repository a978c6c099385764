"""Small networks over link tokens: equal treatment of pairs, any number of them.

A module is a tree whose only leaves are arrays, so plain `jax.jit`, `jax.grad` and
optax work on it. Reordering the pairs reorders the outputs; a pair that is not present
changes nothing for the others.

Shape legend: N pairs, F features, H width.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Dense(eqx.Module):
    """x W + b, on the last axis.

    Attributes:
        weight: [inputs, outputs].
        bias: [outputs].
    """

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]

    def __init__(self, key: Array, inputs: int, outputs: int, scale: float = 1.0):
        size = scale / jnp.sqrt(jnp.float32(inputs))
        self.weight = size * jax.random.normal(key, (inputs, outputs), jnp.float32)
        self.bias = jnp.zeros(outputs, jnp.float32)

    def __call__(self, x: Float[Array, "*any inputs"]) -> Float[Array, "*any outputs"]:
        """The layer's output."""
        return x @ self.weight + self.bias


class Perceptron(eqx.Module):
    """Dense layers with `silu` between them, on the last axis.

    Attributes:
        layers: in order.
    """

    layers: tuple[Dense, ...]

    def __init__(
        self,
        key: Array,
        inputs: int,
        outputs: int,
        width: int,
        depth: int = 2,
        last_scale: float = 1.0,
    ):
        sizes = [inputs, *[width] * depth, outputs]
        keys = jax.random.split(key, depth + 1)
        scales = [1.0] * depth + [last_scale]
        self.layers = tuple(
            Dense(k, a, b, s)
            for k, a, b, s in zip(keys, sizes[:-1], sizes[1:], scales, strict=True)
        )

    def __call__(self, x: Float[Array, "*any inputs"]) -> Float[Array, "*any outputs"]:
        """The network's output."""
        for layer in self.layers[:-1]:
            x = jax.nn.silu(layer(x))
        return self.layers[-1](x)


class Attention(eqx.Module):
    """One head of attention among partners, added to the tokens, then a layer.

    A token attends to its partners and to itself; one that is no partner gets weight 0.

    Attributes:
        ask: what a token looks for [H, 3 H]: query, key, value.
        mix: what it does with what it found.
    """

    ask: Dense
    mix: Perceptron

    def __init__(self, key: Array, width: int):
        first, second = jax.random.split(key)
        self.ask = Dense(first, width, 3 * width)
        self.mix = Perceptron(second, 2 * width, width, width, depth=1)

    def __call__(
        self, tokens: Float[Array, "N H"], partners: Bool[Array, "N N"]
    ) -> Float[Array, "N H"]:
        """The tokens after hearing from their partners.

        Args:
            tokens: one row per pair.
            partners: whether the row attends to the column.
        """
        query, key, value = jnp.split(self.ask(tokens), 3, axis=-1)
        score = query @ key.T / jnp.sqrt(jnp.float32(query.shape[-1]))
        everyone = partners | jnp.eye(len(tokens), dtype=bool)
        weight = jax.nn.softmax(jnp.where(everyone, score, -jnp.inf), axis=-1)
        heard = weight @ value
        return tokens + self.mix(jnp.concatenate([tokens, heard], axis=-1))


class LinkNetwork(eqx.Module):
    """Tokens in, a few numbers per pair out, after rounds of attention.

    Attributes:
        embed: features to width.
        rounds: of attention among partners; none: every pair for itself.
        read: width to outputs.
    """

    embed: Dense
    rounds: tuple[Attention, ...]
    read: Perceptron

    def __init__(
        self,
        key: Array,
        features: int,
        outputs: int,
        width: int,
        rounds: int,
        last_scale: float = 0.1,
    ):
        keys = jax.random.split(key, rounds + 2)
        self.embed = Dense(keys[0], features, width)
        self.rounds = tuple(Attention(k, width) for k in keys[2:])
        self.read = Perceptron(
            keys[1], width, outputs, width, depth=1, last_scale=last_scale
        )

    def __call__(
        self, features: Float[Array, "N F"], partners: Bool[Array, "N N"]
    ) -> Float[Array, "N outputs"]:
        """Outputs per pair.

        Args:
            features: one row per pair.
            partners: whether the row hears of the column.
        """
        tokens = jax.nn.silu(self.embed(features))
        for attention in self.rounds:
            tokens = attention(tokens, partners)
        return self.read(tokens)
