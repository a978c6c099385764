"""What agents see, and what they must not see: the table of `docs/environment.md`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from envs.cells import actions, observe_followers, observe_leader, play, recorded, reset

from stackelberg import envs
from stackelberg.spectrum import FixedPriceBounds, RadioModel

KEY = jax.random.key(31)
PRICE = jnp.full(4, 1e16)


def with_gains(state: envs.State, **factors: jax.Array) -> envs.State:
    gains = state.world.gains
    scaled = {name: getattr(gains, name) * by for name, by in factors.items()}
    return state._replace(world=state.world._replace(gains=gains._replace(**scaled)))


def same(one: Any, other: Any) -> bool:
    equal = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), one, other)
    return all(jax.tree.leaves(equal))


def row(seen: envs.FollowerObservation, pair: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[pair], seen)


def test_local_leader_sees_only_what_reaches_the_base_station() -> None:
    params = recorded()
    state = reset(KEY, params)
    seen = observe_leader(state, params)
    double = jnp.float32(2.0)
    hidden = with_gains(state, d2d=double, cellular_to_d2d=double, d2d_to_d2d=double)
    assert same(seen, observe_leader(hidden, params))
    for shown in ("cellular_to_bs", "d2d_to_bs"):
        moved = with_gains(state, **{shown: double})
        assert not same(seen, observe_leader(moved, params))


def test_local_follower_sees_its_own_row_alone() -> None:
    params = recorded(queues=envs.Queues(), batteries=envs.Batteries())
    state = reset(KEY, params)
    mine = row(observe_followers(state, PRICE, params), 0)
    others = jnp.asarray([1.0, 2.0, 2.0, 2.0])
    double = jnp.float32(2.0)
    assert state.backlog_bits is not None
    assert state.energy_j is not None
    memory = state.memory
    hidden = with_gains(
        state, d2d=others, d2d_to_bs=others, cellular_to_d2d=others,
        cellular_to_bs=double, d2d_to_d2d=double,
    )  # fmt: skip
    hidden = hidden._replace(
        backlog_bits=state.backlog_bits + (others - 1.0)[:, None],
        energy_j=state.energy_j * others,
        memory=memory._replace(
            channel=memory.channel + (others > 1.5),
            transmit_power_w=memory.transmit_power_w + (others - 1.0),
            d2d_interference_w=memory.d2d_interference_w + (others - 1.0),
        ),
    )
    after = observe_followers(hidden, PRICE * others, params)
    assert same(mine, row(after, 0))
    before = observe_followers(state, PRICE, params)
    for pair in (1, 3):  # the one concerned sees each of these
        changed = jax.tree.map(
            lambda a, b, at=pair: bool(np.any(a[at] != b[at])), before, after
        )
        assert all(jax.tree.leaves(changed))


def test_a_leader_reads_last_power_and_noise_from_its_bills() -> None:
    params = recorded(billing="quoted", information=envs.delayed(2))
    first = observe_leader(reset(KEY, params), params)
    for before in (first.payment, first.quoted_gain, first.highest_price):
        np.testing.assert_array_equal(before, np.zeros(4))
    plan = actions(1, 3, params)
    plan = plan._replace(reuse_price=1e3 * plan.reuse_price)
    played = play(reset(KEY, params), plan, params)[1]
    bill, outcome = played.observation.leader, played.outcome
    spend = float(params.radio.spend_scale)
    least = float(params.radio.min_power_w)
    s = spend / (bill.highest_price * bill.quoted_gain) - least
    sinr = np.asarray(outcome.d2d_sinr) * s / np.asarray(outcome.transmit_power_w)
    np.testing.assert_allclose(sinr, np.ones((3, 4)), rtol=1e-3)
    charged = np.minimum(bill.reuse_price, bill.highest_price)
    power = bill.payment / (charged * bill.quoted_gain)
    np.testing.assert_allclose(power, plan.transmit_power_w, rtol=1e-4)
    assert np.any(charged < bill.reuse_price) and np.any(charged == bill.reuse_price)


def test_with_fixed_price_bounds_nobody_reports_its_noise() -> None:
    bounds = FixedPriceBounds(np.full(4, 1e14), np.full(4, 1e20))
    params = recorded(radio=RadioModel(price_bounds=bounds), billing="instantaneous")
    plan = actions(1, 2, params)
    start = reset(KEY, params)
    played = play(start, plan, params)[1]
    assert observe_leader(start, params).highest_price is None
    bill = played.observation.leader
    assert bill.highest_price is None
    np.testing.assert_array_equal(bill.payment, played.outcome.payment)


def test_full_information_shows_every_gain_but_no_other_price() -> None:
    params = recorded(information=envs.full())
    state = reset(KEY, params)
    leader = observe_leader(state, params)
    seen = observe_followers(state, PRICE, params)
    assert leader.everything is not None
    assert leader.everything.d2d_to_d2d.shape == (3, 4, 4)
    double = jnp.float32(2.0)
    for name in state.world.gains._fields:
        moved = with_gains(state, **{name: double})
        for before, after in (
            (leader.everything, observe_leader(moved, params).everything),
            (seen.everything, observe_followers(moved, PRICE, params).everything),
        ):
            assert np.any(getattr(before, name) != getattr(after, name))
    dearer = observe_followers(state, PRICE.at[1:].mul(3.0), params)
    assert same(seen._replace(reuse_price=PRICE), dearer._replace(reuse_price=PRICE))
    assert dearer.reuse_price[0] == seen.reuse_price[0]


def test_delayed_gains_are_those_of_the_slot_before() -> None:
    now = recorded(4, slots_per_frame=2)
    late = recorded(4, slots_per_frame=2, information=envs.delayed(3))
    plan = actions(1, 9, now)
    fresh = play(reset(KEY, now), plan, now)[1].observation
    aged = play(reset(KEY, late), plan, late)[1].observation
    for name in ("own", "to_bs", "heard_cellular_w"):
        then, seen = (getattr(o.followers, name) for o in (fresh, aged))
        np.testing.assert_allclose(seen[3:], then[:-3], rtol=2e-5)
        assert np.all(np.abs(seen[:-1] / then[:-1] - 1.0).max(axis=(1, 2)) > 1e-3)
    np.testing.assert_array_equal(
        aged.followers.interference_w, fresh.followers.interference_w
    )


def test_noisy_gains_are_off_by_a_normal_error() -> None:
    exact, noisy = recorded(), recorded(information=envs.noisy(2.0))
    plan = actions(1, 200, exact)
    one = play(reset(KEY, exact), plan, exact)[1].observation
    two = play(reset(KEY, noisy), plan, noisy)[1].observation
    for name in ("own", "to_bs", "heard_cellular_w"):
        ratio = getattr(two.followers, name) / getattr(one.followers, name)
        error_db = 10.0 * np.log10(np.asarray(ratio, np.float64))
        assert abs(error_db.std() - 2.0) < 0.15  # 2,400 errors: 5 standard errors
        assert abs(error_db.mean()) < 0.2
    np.testing.assert_array_equal(
        two.leader.d2d_to_bs, np.swapaxes(two.followers.to_bs, 1, 2)
    )
    assert same(one.leader.cellular_interference_w, two.leader.cellular_interference_w)
