"""The stage games' equilibria against enumeration by loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import stage_games as oracle

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.learning import solve_stage_games


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Tables of one to three followers; few distinct numbers, so that ties abound."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    shape = (len(sizes) + 1, draw(st.integers(1, 3)), draw(st.integers(1, 3)), *sizes)
    levels = draw(st.sampled_from([2, 3, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.integers(levels, size=shape) / 4.0


@given(tables(), st.booleans())
def test_the_answer_is_that_of_enumeration(table: np.ndarray, strong: bool) -> None:
    found = solve_stage_games(table, "strong" if strong else "weak")
    nested = table.tolist()
    for s in range(table.shape[1]):
        leader, followers = oracle.equilibrium(nested, s, strong=strong)
        assert found.leader_action[s] == leader
        assert tuple(found.follower_action[s]) == followers
        expected = [table[(k, s, leader, *followers)] for k in range(len(table))]
        assert found.value[:, s].tolist() == expected
        for a in range(table.shape[2]):
            profile, count = oracle.reply(nested, s, a, strong=strong)
            assert tuple(found.reply[s, a]) == profile
            assert found.num_equilibria[s, a] == count
            assert found.reply_regret[s, a] == oracle.regret(nested, s, a, profile)
        assert found.fallback[s] == (found.num_equilibria[s, leader] == 0)


@given(tables())
def test_the_weak_choice_never_earns_the_leader_more(table: np.ndarray) -> None:
    strong, weak = solve_stage_games(table), solve_stage_games(table, "weak")
    assert (strong.value[-1] >= weak.value[-1])[~weak.fallback].all()


def test_where_followers_have_no_equilibrium_the_least_regret_stands_in() -> None:
    pennies = np.array(
        [[[[[3, -1], [-1, 1]]]], [[[[-3, 1], [1, -1]]]], [[[[0, 0], [0, 0]]]]]
    )
    found = solve_stage_games(pennies)
    assert found.num_equilibria.tolist() == [[0]]
    assert found.fallback.tolist() == [True]
    # Each cell's one discontented player would gain 4, 2, 4, 2 in C order.
    assert found.reply_regret.tolist() == [[2.0]]
    assert found.reply.tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("table", "choice", "kind", "text"),
    [
        (np.zeros((2, 1, 2)), "strong", ShapeError, r"shape \[2, 1, 2\]"),
        (np.zeros((3, 1, 2, 2)), "strong", ShapeError, r"shape \[3, 1, 2, 2\]"),
        (np.full((2, 1, 2, 2), np.nan), "strong", DomainError, r"value\[0\]\[0\]\[0\]"),
        ([[[[1.0, "x"]]]], "strong", ConfigError, "a number, got 'x'"),
        (np.zeros((2, 1, 2, 2)), "strnog", ConfigError, "did you mean 'strong'"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused(
    table: Any, choice: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        solve_stage_games(table, choice)
