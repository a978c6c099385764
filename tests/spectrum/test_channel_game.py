"""The batches of channels: every number in its place, however gains are given."""

import numpy as np
import pytest
from oracles.cells import channel_of, random_cell
from spectrum.cases import all_games, cell, fixed_cell

from stackelberg.spectrum import FixedPriceBounds, Scenario
from stackelberg.spectrum.channel_game import ChannelGames, channel_games, games_of

FIELDS = tuple(ChannelGames.__dataclass_fields__)


def layered(fields, factors):
    """The same cell with gains given per channel, scaled by `factors` on each."""
    out = dict(fields)
    for name in ("gain_d2d", "gain_d2d_to_bs", "gain_d2d_to_d2d"):
        out[name] = np.stack([factor * fields[name] for factor in factors])
    return out


def check_against_raw(games: ChannelGames, row: int, fields) -> None:
    """One game against the raw fields (flat gains) of its cell."""
    i = int(games.channel[row])
    channel, on = channel_of(fields, i)
    np.testing.assert_array_equal(games.pairs[row], on)
    spend = channel.bandwidth / (np.log(2.0) * channel.follower_price_weight)
    close = np.testing.assert_allclose
    close(games.cellular_snr[row], channel.cellular_power / channel.noise, rtol=1e-15)
    close(games.bs_gain[row], channel.to_bs / channel.noise, rtol=1e-15)
    close(games.noise[row], (channel.noise + channel.heard) / channel.own, rtol=1e-15)
    close(games.price_scale[row], spend / channel.to_bs, rtol=1e-15)
    for j in range(len(on)):
        for k in range(len(on)):
            wanted = 0.0 if j == k else channel.cross[k, j] / channel.own[j]
            assert games.coupling[row, j, k] == pytest.approx(wanted, rel=1e-15)
    assert games.follower_price_weight[row] == channel.follower_price_weight
    assert games.leader_revenue_weight[row] == channel.leader_revenue_weight
    assert games.spend_scale[row] == pytest.approx(spend, rel=1e-15)
    assert games.min_power_w[row] == channel.min_power
    assert games.max_power_w[row] == channel.max_power


def test_every_number_is_the_raw_one():
    cells = [
        random_cell(seed, n, num_channels=m, follower_price_weight=0.1 + seed)
        for seed, (n, m) in enumerate([(7, 3), (4, 4), (1, 2), (6, 2)])
    ]
    for fields in cells:  # the diagonal of the cross gains is ignored
        np.fill_diagonal(fields["gain_d2d_to_d2d"], 99.0)
    scenarios = [Scenario(**fields) for fields in cells]
    grouped = channel_games(scenarios, [fields["channel"] for fields in cells])
    seen = 0
    for k, games in grouped.items():
        assert games.num_pairs == k
        order = list(zip(games.scenario_index, games.channel, strict=True))
        assert order == sorted(order)
        for row in range(len(games)):
            check_against_raw(games, row, cells[int(games.scenario_index[row])])
            seen += 1
        assert (games.min_price == 0.0).all() and np.isinf(games.max_price).all()
        assert not games.fixed_bounds.any()
    assert list(grouped) == sorted(grouped)
    assert seen == 3 + 4 + 1 + 2


def test_shuffled_allocations_find_their_pairs():
    random = np.random.default_rng(1)
    for seed in range(10):
        fields = random_cell(seed, 12, num_channels=5)
        fields["channel"] = random.integers(0, 5, 12)
        scenario = Scenario(**fields)
        pairs = 0
        for games in all_games(scenario):
            for row in range(len(games)):
                check_against_raw(games, row, fields)
                pairs += games.num_pairs
        assert pairs == 12


def test_gains_per_channel_are_those_of_the_pairs_channel():
    fields = random_cell(3, 6, num_channels=2)
    for i, scale in enumerate((1.0, 3.0)):
        scenario = Scenario(**layered(fields, (1.0, 3.0)))
        scaled = dict(fields)
        for name in ("gain_d2d", "gain_d2d_to_bs", "gain_d2d_to_d2d"):
            scaled[name] = scale * fields[name]
        (games,) = all_games(scenario)
        assert games.channel.tolist() == [0, 1]
        check_against_raw(games, i, scaled)


def test_mixed_batches_keep_flat_and_layered_gains_apart():
    flat = random_cell(1, 4, num_channels=2)
    other = random_cell(2, 6, num_channels=3)
    scenarios = [Scenario(**flat), Scenario(**layered(other, (1.0, 2.0, 5.0)))]
    (games,) = channel_games(scenarios, [flat["channel"], other["channel"]]).values()
    assert games.scenario_index.tolist() == [0, 0, 1, 1, 1]
    for row in (0, 1):
        check_against_raw(games, row, flat)
    for row, scale in zip((2, 3, 4), (1.0, 2.0, 5.0), strict=True):
        scaled = dict(other)
        for name in ("gain_d2d", "gain_d2d_to_bs", "gain_d2d_to_d2d"):
            scaled[name] = scale * other[name]
        check_against_raw(games, row, scaled)


def test_a_batch_is_its_scenarios_one_after_the_other():
    scenarios = [cell(seed, 6, num_channels=2 + seed % 2) for seed in range(6)]
    together = channel_games(scenarios, [np.arange(6) % (2 + s % 2) for s in range(6)])
    for k, games in together.items():
        alone = [
            channel_games([s], [np.arange(6) % s.num_channels]).get(k)
            for s in scenarios
        ]
        parts = [part for part in alone if part is not None]
        for name in FIELDS[1:]:
            np.testing.assert_array_equal(
                getattr(games, name), np.concatenate([getattr(p, name) for p in parts])
            )


def test_fixed_bounds_are_per_pair_and_mix_with_free_ones():
    fixed, free = fixed_cell(1, 4, num_channels=2), cell(2, 4, num_channels=2)
    channel = np.arange(4) % 2
    (games,) = channel_games([fixed, free], [channel, channel]).values()
    assert games.fixed_bounds.tolist() == [True, True, False, False]
    bounds = fixed.price_bounds
    assert isinstance(bounds, FixedPriceBounds)
    np.testing.assert_array_equal(games.min_price[:2], bounds.min[games.pairs[:2]])
    np.testing.assert_array_equal(games.max_price[:2], bounds.max[games.pairs[:2]])
    assert (games.min_price[2:] == 0.0).all() and np.isinf(games.max_price[2:]).all()


def test_nobody_anywhere_is_no_game():
    empty = cell(0, 0)
    assert channel_games([], []) == {}
    assert channel_games([empty], [np.zeros(0, dtype=np.int64)]) == {}
    busy = cell(1, 3)
    (games,) = channel_games(
        [empty, busy], [np.zeros(0, dtype=np.int64), np.zeros(3, dtype=np.int64)]
    ).values()
    assert games.scenario_index.tolist() == [1]
    check_against_raw(games, 0, random_cell(1, 3))


def test_chosen_games_come_in_the_order_asked():
    cells = [random_cell(seed, 5, num_channels=3) for seed in range(2)]
    scenarios = [Scenario(**fields) for fields in cells]
    wanted = [(1, 2, [0, 3]), (0, 1, [1, 2]), (1, 0, [2, 4]), (0, 1, [0, 4])]
    games = games_of(scenarios, wanted)
    assert games.scenario_index.tolist() == [1, 0, 1, 0]
    assert games.channel.tolist() == [2, 1, 0, 1]
    assert games.pairs.tolist() == [[0, 3], [1, 2], [2, 4], [0, 4]]
    for row, (s, i, pairs) in enumerate(wanted):
        fields = dict(cells[s])
        others = next(c for c in range(3) if c != i)
        fields["channel"] = np.full(5, others)
        fields["channel"][pairs] = i
        check_against_raw(games, row, fields)


def test_taking_rows_takes_every_field():
    (games,) = all_games(cell(1, 6, num_channels=3))
    part = games.take(np.array([2, 0]))
    assert len(part) == 2
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(games, name)[[2, 0]])
