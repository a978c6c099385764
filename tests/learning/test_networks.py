"""Networks treat pairs alike and do not see those that are not there."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from oracles.attention import attention_round

from stackelberg.learning.networks import Attention, LinkNetwork

N, F = 5, 3


@cache
def network() -> LinkNetwork:
    return LinkNetwork(jax.random.key(0), F, 2, width=8, rounds=2, last_scale=1.0)


def example(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    channel = draw.integers(0, 2, N)
    return (
        draw.normal(size=(N, F)).astype(np.float32),
        channel[:, None] == channel[None, :],
    )


def run(features: Any, partners: Any) -> np.ndarray:
    found = jax.jit(lambda n, f, p: n(f, p))(
        network(), jnp.asarray(features), jnp.asarray(partners)
    )
    return np.asarray(found)


def test_permuting_pairs_permutes_outputs() -> None:
    features, partners = example()
    order = np.array([3, 0, 4, 1, 2])
    reordered = run(features[order], partners[np.ix_(order, order)])
    np.testing.assert_allclose(reordered, run(features, partners)[order], atol=1e-5)
    assert np.ptp(run(features, partners)) > 0.01


def test_padding_changes_nothing() -> None:
    features, partners = example()
    padded = np.concatenate([features, np.full((3, F), 7.0, np.float32)])
    mask = np.zeros((N + 3, N + 3), bool)
    mask[:N, :N] = partners
    found = run(padded, mask)
    np.testing.assert_allclose(found[:N], run(features, partners), atol=1e-5)
    assert np.isfinite(found).all()


def test_a_pair_hears_of_its_partners_and_of_nobody_else() -> None:
    features, _ = example()
    partners = np.eye(N, dtype=bool)
    partners[0, 1] = partners[1, 0] = True
    before = run(features, partners)
    features[1] += 1.0
    changed = np.abs(run(features, partners) - before).max(axis=1)
    assert (changed[:2] > 1e-4).all()
    np.testing.assert_array_equal(changed[2:], 0.0)


def test_attention_is_that_of_an_independent_loop() -> None:
    layer = Attention(jax.random.key(3), 4)
    draw = np.random.default_rng(5)
    tokens = draw.normal(size=(N, 4)).astype(np.float32)
    _, partners = example(7)
    wanted = attention_round(
        tokens,
        partners,
        np.asarray(layer.ask.weight),
        np.asarray(layer.ask.bias),
        [(np.asarray(one.weight), np.asarray(one.bias)) for one in layer.mix.layers],
    )
    found = layer(jnp.asarray(tokens), jnp.asarray(partners))
    np.testing.assert_allclose(np.asarray(found), wanted, atol=2e-5)
