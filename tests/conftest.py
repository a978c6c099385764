"""What every test may use, and when a test that needs more than the checkout skips."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# The same examples on every machine and every run; a loaded machine is not a failure.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


# The files that take longest, longest first: no worker waits for another at the end.
LONG_FILES = (
    "envs/test_equilibrium.py",
    "envs/test_baselines.py",
    "learning/test_every_method.py",
    "envs/test_faces.py",
    "envs/test_environment.py",
    "test_examples.py",
    "test_pages.py",
    "learning/test_actor_critic.py",
    "study/test_engine.py",
    "cli/test_learn_train.py",
    "learning/test_independent_q.py",
    "learning/test_proximal.py",
    "learning/test_gradient.py",
    "study/test_ray.py",
    "study/test_environment_methods.py",
    "spectrum/test_certify.py",
    "cli/test_play.py",
    "envs/test_bills.py",
    "spectrum/test_solve.py",
    "spectrum/test_bilevel.py",
    "edge/test_welfare.py",
    "io/test_broken_markets.py",
    "spectrum/test_assignment.py",
    "learning/test_policy.py",
    "envs/test_make_params.py",
    "spectrum/test_channel_kernels.py",
    "cli/test_edge_interrupt.py",
    "edge/solvers/test_cold_cache.py",
    "spectrum/test_reaction.py",
    "edge/solvers/test_sparse_factor.py",
    "edge/prices/test_operator_prices.py",
    "io/test_trace_file.py",
    "io/test_table_limits.py",
    "learning/tabular/test_stq.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers, and the processes that tests start, share what JAX compiles."""
    if hasattr(config, "workerinput") or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = tempfile.TemporaryDirectory(prefix="stackelberg-jax-")
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"


def _browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _has_gpu() -> bool:
    import jax

    return any(device.platform == "gpu" for device in jax.devices())


# marker: (whether what it needs is there, the reason printed where it is not)
_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "vectors": (
        (SHARED / "vectors").is_dir,
        "needs ../shared/vectors beside the checkout",
    ),
    "realdata": ((SHARED / "data").is_dir, "needs ../shared/data beside the checkout"),
    "browser": (lambda: _browser() is not None, "needs Chromium on PATH"),
    "gpu": (_has_gpu, "needs a GPU that JAX can use"),
    "cluster": (
        lambda: importlib.util.find_spec("ray") is not None,
        "needs Ray: pip install 'stackelberg[cluster]'",
    ),
    "rliable": (
        lambda: importlib.util.find_spec("rliable") is not None,
        "needs rliable: pip install rliable",
    ),
    "outside": (
        lambda: importlib.util.find_spec("cma") is not None,
        "needs cma: pip install 'stackelberg[dev]'",
    ),
    "track": (
        lambda: importlib.util.find_spec("tensorboardX") is not None,
        "needs tensorboardX: pip install 'stackelberg[track]'",
    ),
    "oracle": (
        lambda: all(map(importlib.util.find_spec, ("cvxpy", "clarabel"))),
        "needs CVXPY and Clarabel: pip install 'stackelberg[oracle]'",
    ),
}
_MARKER_OF_FIXTURE = {
    "shared_vectors": "vectors",
    "shared_data": "realdata",
    "browser": "browser",
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files; skip, with the reason, tests whose need is not met."""
    turn = {ROOT / "tests" / name: turn for turn, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: turn.get(item.path, len(turn)))
    unmet: dict[str, bool] = {}
    for item in items:
        names = {mark.name for mark in item.iter_markers()} & _NEEDS.keys()
        used: list[str] = getattr(item, "fixturenames", [])
        names |= {
            _MARKER_OF_FIXTURE[name] for name in used if name in _MARKER_OF_FIXTURE
        }
        for name in sorted(names):
            is_there, reason = _NEEDS[name]
            if name not in unmet:
                unmet[name] = not is_there()
            if unmet[name]:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared_vectors() -> Path:
    """The folder of reference cases beside the checkout."""
    return SHARED / "vectors"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data beside the checkout."""
    return SHARED / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The project's own test data."""
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def browser() -> str:
    """The Chromium executable."""
    return str(_browser())


@pytest.fixture
def strict_ranks() -> Iterator[None]:
    """JAX refuses to broadcast arrays of different rank while the test runs."""
    import jax

    with jax.numpy_rank_promotion("raise"):
        yield
