"""The trained policy that ships with the package."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from stackelberg.cli.learn.judging import decisions_per_second

if TYPE_CHECKING:
    from stackelberg.io import TrainedPolicy
    from stackelberg.report import PolicyReportData

EPISODES, SLOTS = 16, 10

SHIPPED = "shipped"
"""Named so instead of a file, it is the policy that ships with the package."""


def shipped_policy() -> TrainedPolicy:
    """Made by the command in ``demo/settings.toml``."""
    from stackelberg import io

    folder = resources.files("stackelberg.cli.learn").joinpath("demo")
    with resources.as_file(folder.joinpath("trained.policy")) as path:
        return io.read_policy(path)


def shown_policy(seed: int) -> PolicyReportData:
    """The shipped policy judged beside silence, random and full power.

    Args:
        seed: of the episodes.
    """
    from stackelberg import report
    from stackelberg.learning import SIMPLE, evaluate

    trained = shipped_policy()
    params = trained.settings.params()
    found = {
        name: evaluate(policy, params, seed=seed, episodes=EPISODES, slots=SLOTS)
        for name, policy in {"learned": trained.policy, **SIMPLE}.items()
    }
    return report.policy_report_data(
        found,
        title="Learned: prices from what can be measured on the spot",
        trained=f"trained for {trained.provenance['env_steps']} slots by "
        f"{trained.settings.method} on channel state that is local and one slot old",
        decisions_per_second=decisions_per_second(trained.policy, params, seed=seed),
    )
