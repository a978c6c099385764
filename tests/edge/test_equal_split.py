from __future__ import annotations

import numpy as np
import pytest

from stackelberg.edge import Market, certify, equal_split, generate
from stackelberg.errors import DomainError


def test_every_node_is_shared_equally_and_nobody_spends_what_it_has_not() -> None:
    market = Market.from_arrays(
        price=[1.0, 2.0, 0.0],
        capacity=[6.0, 4.0, 3.0],
        budget=[100.0, 2.5, 0.0],
        weight=[[1.0, 1.0, 0.0], [1.0, 3.0, 1.0], [1.0, 0.0, 1.0]],
    )
    split = equal_split(market)
    # The third has no money: it takes part at the free node alone. The second would pay
    # 3 + 2 * 2 and has 2.5.
    assert split.allocation.toarray() == pytest.approx(
        np.array([[3.0, 2.0, 0.0], [3.0 * 2.5 / 7, 2.0 * 2.5 / 7, 1.5 * 2.5 / 7],
                  [0.0, 0.0, 1.5]])
    )  # fmt: skip
    assert split.spend == pytest.approx([7.0, 2.5, 0.0])
    assert split.load[2] == pytest.approx(1.5 * 2.5 / 7 + 1.5)


def test_it_keeps_every_limit_of_a_generated_market() -> None:
    market = generate(seed=2, num_users=200, num_nodes=40)
    split = equal_split(market)
    proof = certify(
        market, split.allocation, split.capacity_shadow_price, split.budget_shadow_price
    )
    assert proof.worst_violation == 0.0
    assert (split.utility > 0.0).all()


def test_endless_capacity_has_no_equal_parts() -> None:
    market = Market.from_arrays([1.0], [np.inf], [1.0], [[1.0]], nodes=["cloud"])
    with pytest.raises(DomainError, match=r"capacity\[cloud\]: .* equal split"):
        equal_split(market)
