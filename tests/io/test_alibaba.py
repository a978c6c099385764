"""Markets of Alibaba's nodes and pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg.edge import allocate
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.game import Status
from stackelberg.io import import_alibaba

NODES = (
    "sn,cpu_milli,memory_mib,gpu,model\n"
    "plain,4000,2048,0,\nold,8000,4096,1,T4\nnew,8000,4096,2,V100M32\n"
)
PODS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"
    "web,1000,1024,0,0,,LS\nshare,2000,1024,1,250,,BE\n"
    "pair,2000,0,2,1000,,LS\npicky,1000,512,1,1000,T4|V100M16,LS\n"
)


def files(folder: Path, nodes: str = NODES, pods: str = PODS) -> tuple[Path, Path]:
    (folder / "nodes.csv").write_text(nodes)
    (folder / "pods.csv").write_text(pods)
    return folder / "nodes.csv", folder / "pods.csv"


def test_each_resource_has_its_own_sellers_and_buyers(tmp_path: Path) -> None:
    parts = import_alibaba(*files(tmp_path)).by_resource()
    assert list(parts) == ["cpu", "memory", "gpu"]
    cpu, memory, gpu = parts.values()
    assert cpu.nodes.tolist() == ["plain", "old", "new"]
    assert cpu.capacity.tolist() == [4.0, 8.0, 8.0]
    assert memory.capacity.tolist() == [2.0, 4.0, 4.0]
    assert gpu.nodes.tolist() == ["old", "new"]
    assert gpu.capacity.tolist() == [1.0, 2.0]
    assert cpu.users.tolist() == ["web", "share", "pair", "picky"]
    assert memory.users.tolist() == ["web", "share", "picky"]
    assert gpu.users.tolist() == ["share", "pair", "picky"]


def test_reach_is_what_could_hold_the_pod_and_worth_one_over_its_request(
    tmp_path: Path,
) -> None:
    parts = import_alibaba(*files(tmp_path)).by_resource()
    assert parts["cpu"].weight.toarray().tolist() == [
        [1.0, 1.0, 1.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.5], [0.0, 1.0, 0.0],
    ]  # fmt: skip
    assert parts["gpu"].weight.toarray().tolist() == [
        [4.0, 4.0], [0.0, 0.5], [1.0, 0.0],
    ]  # fmt: skip


@pytest.mark.parametrize(("regime", "share"), [("balanced", 1), ("budget_rich", 4)])
def test_budgets_follow_the_requests(tmp_path: Path, regime: Any, share: float) -> None:
    parts = import_alibaba(*files(tmp_path), regime=regime).by_resource()
    for part in parts.values():
        worth = part.price @ part.capacity
        assert part.budget.sum() == pytest.approx(share * worth)
    budget = parts["cpu"].budget
    np.testing.assert_allclose(budget / budget[0], [1.0, 2.0, 2.0, 1.0])


def test_a_few_of_many_nodes_are_drawn_the_same_for_all_resources(
    tmp_path: Path,
) -> None:
    rows = "".join(f"n{k},8000,8192,1,T4\n" for k in range(40))
    both = files(tmp_path, nodes=NODES.splitlines()[0] + "\n" + rows)
    few = import_alibaba(*both, reach=5, seed=1).by_resource()
    web, share = 0, 1
    assert few["cpu"].weight[[web]].nnz == 5
    assert np.array_equal(
        few["cpu"].weight[[share]].indices, few["gpu"].weight[[0]].indices
    )
    again = import_alibaba(*both, reach=5, seed=1)
    assert np.array_equal(again.weight.indices[:5], few["cpu"].weight.indices[:5])
    other = import_alibaba(*both, reach=5, seed=2)
    assert not np.array_equal(other.weight.indices[:5], few["cpu"].weight.indices[:5])
    every = import_alibaba(*both, reach=None).by_resource()
    assert every["cpu"].weight[[web]].nnz == 40


def test_the_market_can_be_solved_without_the_pod_that_fits_nowhere(
    tmp_path: Path,
) -> None:
    market = import_alibaba(*files(tmp_path, pods=PODS + "huge,99000,1024,0,0,,LS\n"))
    with pytest.raises(DomainError, match=r"degenerate users huge \(cpu\), huge"):
        allocate(market)
    assert allocate(market, drop_degenerate=True).status is Status.CONVERGED


BAD: list[tuple[dict[str, str], dict[str, Any], type[InputError], str]] = [
    ({"nodes": NODES.replace("gpu,", "gpus,", 1)}, {}, ConfigError,
     r"nodes\.csv: column gpu: expected in the header \(did you mean 'gpus'\?\)"),
    ({"nodes": NODES.replace("old", "plain")}, {}, ConfigError,
     r"nodes\.csv: sn, row 2: expected each name once, got 'plain'"),
    ({"nodes": NODES.replace("2048", "many")}, {}, DomainError,
     r"nodes\.csv: memory_mib, row 1: expected a finite number >= 0, got 'many'"),
    ({"pods": PODS.replace("1000,1024", "-1,1024", 1)}, {}, DomainError,
     r"pods\.csv: cpu_milli, row 1: expected a finite number >= 0, got '-1'"),
    ({"pods": PODS.replace(",250,", ",1250,")}, {}, DomainError,
     r"pods\.csv: gpu_milli, row 2: expected 1 to 1000 where num_gpu is 1, got '1250'"),
    ({"pods": PODS.replace(",250,", ",0,")}, {}, DomainError,
     r"pods\.csv: gpu_milli, row 2: expected 1 to 1000 where num_gpu is 1, got '0'"),
    ({"pods": PODS.splitlines()[0] + "\n"}, {}, ConfigError,
     r"pods\.csv: content: expected a pod that asks for something, got 0 pods"),
    ({}, {"reach": 0}, DomainError, "reach: expected a whole number >= 1, got 0"),
    ({}, {"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
    ({}, {"regime": "rich"}, ConfigError, "regime: expected one of balanced"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "arguments", "kind", "text"), BAD)
def test_what_is_wrong_is_told(
    tmp_path: Path,
    changes: dict[str, str],
    arguments: dict[str, Any],
    kind: type[InputError],
    text: str,
) -> None:
    with pytest.raises(kind, match=text) as caught:
        import_alibaba(*files(tmp_path, **changes), **arguments)
    assert "\n" not in str(caught.value)


def test_the_cluster(shared_data: Path) -> None:
    folder = shared_data / "alibaba-gpu"
    market = import_alibaba(
        folder / "openb_node_list_all_node.csv", folder / "openb_pod_list_default.csv"
    )
    cpu, memory, gpu = market.by_resource().values()
    assert (cpu.num_nodes, cpu.num_users, cpu.num_edges) == (1523, 8152, 8 * 8152)
    assert cpu.capacity.sum() == pytest.approx(125_514.0)
    assert (memory.num_nodes, memory.num_users) == (1523, 8151)
    assert (gpu.num_nodes, gpu.num_users) == (1213, 7064)
    assert gpu.capacity.sum() == 6212.0
    assert not len(market.degenerate_users())
