"""The environment step by step against a simulator in plain loops."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from envs.cells import actions, every_gain, play, reset, standard
from oracles import d2d_environment as oracle

from stackelberg import envs, spectrum
from stackelberg.spectrum import RadioModel

KEY = jax.random.key(11)
WAVES, STEP = 8, 5  # the step through the strata of 8 waves


def gains_of_oracle(seed: oracle.Key, m: int, n: int) -> dict[str, Any]:
    """Gains without fading, from places drawn anew."""
    walker, receiver = oracle.first_places(seed, m, n, 500.0, (10.0, 50.0))
    to_bs = [oracle.gain_to_bs(seed, at, 8.0, WAVES) for at in walker]
    between = [
        [oracle.gain_between(seed, a, b, 7.0, WAVES, STEP) for b in receiver]
        for a in walker
    ]
    return {"to_bs": to_bs, "between": between}


def faded(seed: oracle.Key, slot: int, flat: dict[str, Any], m: int, n: int) -> Any:
    """All gains of a slot, channel by channel, with Rayleigh fading."""

    def fade(stream: int, link: int) -> float:
        return oracle.rayleigh(seed, stream, slot, link)

    to_bs, between = flat["to_bs"], flat["between"]
    return {
        "cellular_to_bs": [to_bs[i] * fade(7, i) for i in range(m)],
        "d2d": [
            [between[m + j][j] * fade(10, (i * n + j) * n + j) for j in range(n)]
            for i in range(m)
        ],
        "d2d_to_bs": [
            [to_bs[m + j] * fade(8, i * n + j) for j in range(n)] for i in range(m)
        ],
        "cellular_to_d2d": [
            [between[i][j] * fade(9, i * n + j) for j in range(n)] for i in range(m)
        ],
        "d2d_to_d2d": [
            [
                [
                    0.0 if k == j else between[m + k][j] * fade(10, (i * n + k) * n + j)
                    for j in range(n)
                ]
                for k in range(n)
            ]
            for i in range(m)
        ],
    }


def cell_of(params: envs.EnvParams) -> dict[str, Any]:
    radio = params.radio
    return {
        "bandwidth": float(radio.bandwidth_hz),
        "noise": float(radio.noise_power_w),
        "cellular_power": float(radio.cellular_power_w[0]),
        "min_power": float(radio.min_power_w),
        "follower_weight": float(radio.follower_price_weight),
        "leader_weight": float(radio.leader_revenue_weight),
        "interference_bounds": params.price_limits is None,
    }


def words(state: envs.State) -> oracle.Key:
    return int(state.world.seed[0]), int(state.world.seed[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gains_rates_payments_and_utilities_are_those_of_the_oracle(dtype: str) -> None:
    tolerance = 3e-4 if dtype == "float32" else 1e-8
    with jax.enable_x64(dtype == "float64"):
        params = standard(shadowing_waves=WAVES, dtype=dtype)
        m, n = params.num_channels, params.num_pairs
        plan = actions(0, 6, params)
        states, results = play(reset(KEY, params), plan, params)
        start = jax.tree.map(lambda leaf: leaf[0], states)
        assert results.leader_reward.dtype == params.dtype
        assert results.state.world.gains.d2d_to_d2d.dtype == params.dtype
        mine = every_gain(jax.tree.map(lambda leaf: leaf[4], states), params)
    seed = words(start)
    flat = gains_of_oracle(seed, m, n)
    for name, exact in faded(seed, 4, flat, m, n).items():
        np.testing.assert_allclose(mine[name], exact, rtol=tolerance, err_msg=name)
    for slot in range(6):
        gains = faded(seed, slot, flat, m, n)
        action = {
            "channel": plan.channel[slot].tolist(),
            "power": plan.transmit_power_w[slot].tolist(),
            "price": plan.reuse_price[slot].tolist(),
        }
        gains["billed"] = gains["d2d_to_bs"]
        wanted = oracle.play(cell_of(params), gains, action)
        got = jax.tree.map(lambda leaf, at=slot: leaf[at], results)
        for ours, theirs in (
            (got.outcome.d2d_rate_bps, wanted["d2d_rate"]),
            (got.outcome.payment, wanted["payment"]),
            (got.outcome.d2d_interference_w, wanted["heard"]),
            (got.outcome.cellular_rate_bps, wanted["cellular_rate"]),
            (got.leader_reward, wanted["leader"]),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=tolerance)
        np.testing.assert_allclose(
            got.follower_reward,
            wanted["follower"],
            rtol=tolerance,
            atol=tolerance * 1e6,
        )
    assert bool(results.truncated.any()) is False


def test_everything_at_once_is_as_in_the_oracle() -> None:
    slots, delay, deadline, cap = 30, 2, 3, 2
    with jax.enable_x64(True):
        params = standard(
            radio=RadioModel(min_power_w=0.0),
            shadowing_waves=WAVES,
            information=envs.delayed(delay),
            billing="quoted",
            queues=envs.Queues(0.6, 4e4, 0.7, deadline_slots=deadline),
            batteries=envs.Batteries(0.02, 0.03, 0.02),
            switching_loss=0.3,
            price_inertia=0.6,
            max_pairs_per_channel=cap,
            dtype="float64",
        )
        m, n, slot_s = params.num_channels, params.num_pairs, float(params.slot_s)
        plan = actions(3, slots, params)
        states, results = play(reset(KEY, params), plan, params)
    assert params.dynamics == ("queues", "batteries", "switching", "inertia")
    start = jax.tree.map(lambda leaf: leaf[0], states)
    seed = words(start)
    flat = gains_of_oracle(seed, m, n)
    cell = cell_of(params)
    first = oracle.key_of(seed, oracle.FIRST_CHANNEL)
    last = [oracle.bits(first, j) % m for j in range(n)]
    np.testing.assert_array_equal(start.memory.channel, last)
    energy, price = [0.02] * n, [0.0] * n
    queue: list[list[list[float]]] = [[] for _ in range(n)]
    silent = lost_bits = refused = 0
    for slot in range(slots):
        arrival = oracle.key_of(seed, oracle.ARRIVAL, slot)
        for j in range(n):
            if oracle.uniform(oracle.bits(arrival, j)) < 0.6:
                queue[j].append([0, 4e4])
        channel = plan.channel[slot].tolist()
        posted = plan.reuse_price[slot].tolist()
        price = [
            new if old == 0.0 else old**0.6 * new**0.4
            for old, new in zip(price, posted, strict=True)
        ]
        power = plan.transmit_power_w[slot].tolist()
        for j in range(n):
            ahead = [
                k
                for k in range(n)
                if channel[k] == channel[j]
                and flat["to_bs"][m + k] < flat["to_bs"][m + j]
            ]
            lasting = energy[j] / slot_s - 0.03
            if len(ahead) >= cap:
                power[j], refused = 0.0, refused + 1
            elif lasting <= 0.0:
                power[j], silent = 0.0, silent + 1
            else:
                power[j] = min(power[j], lasting)
        gains = faded(seed, slot, flat, m, n)
        gains["billed"] = faded(seed, slot - delay, flat, m, n)["d2d_to_bs"]
        wanted = oracle.play(
            cell, gains, {"channel": channel, "power": power, "price": price}
        )
        got = jax.tree.map(lambda leaf, at=slot: leaf[at], results)
        np.testing.assert_allclose(got.outcome.transmit_power_w, power, rtol=1e-8)
        np.testing.assert_allclose(got.leader_reward, wanted["leader"], rtol=1e-8)
        np.testing.assert_allclose(got.outcome.payment, wanted["payment"], rtol=1e-8)
        leader = got.observation.leader
        np.testing.assert_allclose(leader.payment, wanted["payment"], rtol=1e-8)
        quoted = [gains["billed"][channel[j]][j] for j in range(n)]
        np.testing.assert_allclose(leader.quoted_gain, quoted, rtol=1e-8)
        np.testing.assert_allclose(
            leader.highest_price, wanted["highest_price"], rtol=1e-8
        )
        for j in range(n):
            rate = wanted["d2d_rate"][j] * (0.7 if channel[j] != last[j] else 1.0)
            queue[j], sent, lost = oracle.serve(queue[j], rate * slot_s, deadline)
            reward = (sent - 0.7 * lost) / slot_s - wanted["payment"][j]
            np.testing.assert_allclose(got.served_bits[j], sent, rtol=1e-8, atol=1e-6)
            np.testing.assert_allclose(got.expired_bits[j], lost, rtol=1e-8, atol=1e-6)
            np.testing.assert_allclose(
                got.follower_reward[j], reward, rtol=1e-7, atol=1e-3
            )
            spent = power[j] + 0.03 if power[j] > 0.0 else 0.0
            energy[j] = min(max(energy[j] + (0.02 - spent) * slot_s, 0.0), 0.02)
            lost_bits += lost > 0.0
        np.testing.assert_allclose(got.state.energy_j, energy, rtol=1e-8, atol=1e-12)
        last = channel
    assert silent and lost_bits and refused  # every rule was at work


def test_a_slot_is_the_scenario_of_the_static_game() -> None:
    params = standard(mobility=envs.RandomWaypoint(5.0, 30.0), slots_per_frame=1)
    plan = actions(5, 5, params)
    states, results = play(reset(KEY, params), plan, params)
    for slot in (0, 4):
        before = jax.tree.map(lambda leaf, at=slot: leaf[at], states)
        got = jax.tree.map(lambda leaf, at=slot: leaf[at], results.outcome)
        scenario = envs.scenario_of(before, params, plan.channel[slot])
        assert scenario.positions_m is not None
        exact = spectrum.outcome(
            scenario, got.channel, got.reuse_price, got.transmit_power_w
        )
        np.testing.assert_allclose(got.d2d_rate_bps, exact.d2d_rate_bps, rtol=1e-5)
        np.testing.assert_allclose(
            got.cellular_rate_bps, exact.cellular_rate_bps, rtol=1e-5
        )
        np.testing.assert_allclose(got.leader_utility, exact.leader_utility, rtol=1e-5)
        np.testing.assert_allclose(
            got.follower_utility, exact.follower_utility, rtol=1e-5, atol=10.0
        )


def test_moving_gains_are_those_of_the_places() -> None:
    with jax.enable_x64(True):
        params = standard(
            shadowing_waves=WAVES,
            mobility=envs.GaussMarkov(20.0, 5.0),
            slots_per_frame=3,
            fading=None,
            dtype="float64",
        )
        states, _ = play(reset(KEY, params), actions(1, 8, params), params)
    seed = words(jax.tree.map(lambda leaf: leaf[0], states))
    walker = np.asarray(states.world.places.walker)
    assert [bool(np.any(walker[t] != walker[t - 1])) for t in range(1, 8)] == [
        False, False, True, False, False, True, False,
    ]  # fmt: skip
    for slot in (0, 5, 7):
        places = [tuple(map(float, at)) for at in walker[slot]]
        ends = [tuple(map(float, at)) for at in states.world.places.receiver[slot]]
        gains = jax.tree.map(
            lambda leaf, at=slot: np.asarray(leaf[at]), states.world.gains
        )
        to_bs = [oracle.gain_to_bs(seed, at, 8.0, WAVES) for at in places]
        np.testing.assert_allclose(
            np.r_[gains.cellular_to_bs, gains.d2d_to_bs], to_bs, rtol=1e-8
        )
        between = np.asarray(
            [
                [oracle.gain_between(seed, a, b, 7.0, WAVES, STEP) for b in ends]
                for a in places
            ]
        )
        np.testing.assert_allclose(gains.cellular_to_d2d, between[:3], rtol=1e-8)
        np.testing.assert_allclose(gains.d2d, np.diagonal(between[3:]), rtol=1e-8)
        off = ~np.eye(4, dtype=bool)
        np.testing.assert_allclose(gains.d2d_to_d2d[off], between[3:][off], rtol=1e-8)
        assert np.all(gains.d2d_to_d2d[~off] == 0.0)
