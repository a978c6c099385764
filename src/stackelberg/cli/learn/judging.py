"""The numbers by which a policy is judged while it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.learning import Policy
    from stackelberg.learning.settings import RunSettings


def judge(policy: Policy, settings: RunSettings) -> dict[str, Any]:
    """Every metric of the policy on the episodes that the settings name."""
    return {}
