"""A trained policy as one file: its networks, its settings, and where it comes from."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, cast

from stackelberg.errors import ConfigError, InputError
from stackelberg.io.json_text import JsonObject, check_keys, member_object
from stackelberg.io.tree_file import read_tree_file, write_tree
from stackelberg.learning.learner import Policy
from stackelberg.learning.settings import RunSettings, run_settings
from stackelberg.learning.training import policy_structure

POLICY_FORMAT = "stackelberg.learning.policy/1"

MAX_POLICY_BYTES = 256 * 2**20


class TrainedPolicy(NamedTuple):
    """A policy that was read from a file.

    Attributes:
        policy: acts in environments of any number of channels and pairs.
        settings: of the run that trained it.
        provenance: code version, seed, steps, seconds, metrics at the end.
    """

    policy: Policy
    settings: RunSettings
    provenance: JsonObject


def write_policy(
    path: str | os.PathLike[str],
    policy: Policy,
    settings: RunSettings,
    provenance: JsonObject,
) -> None:
    """Write a policy, whole or not at all.

    Args:
        path: the file.
        policy: of a learner with these settings.
        settings: of the run.
        provenance: for a JSON object.

    Raises:
        ConfigError: if the file cannot be written.
    """
    told: JsonObject = {"settings": settings.tables(), "provenance": provenance}
    write_tree(path, policy, told, file_format=POLICY_FORMAT)


def read_policy(path: str | os.PathLike[str]) -> TrainedPolicy:
    """Read a policy whose checksum holds.

    Raises:
        InputError: it is missing, torn, altered, or of a method or with settings that
            this version does not know; one line that begins with `path`.
    """
    name = os.fspath(path)
    found = read_tree_file(
        path,
        file_format=POLICY_FORMAT,
        wanted="a trained policy",
        limit=MAX_POLICY_BYTES,
    )
    try:
        check_keys(found.metadata, required=("settings", "provenance"))
        settings = run_settings(member_object(found.metadata, "settings"))
        provenance = member_object(found.metadata, "provenance")
    except InputError as error:
        raise ConfigError(
            f"settings inside: {error.argument}",
            expected=error.expected,
            got=error.got,
            source=name,
        ) from None
    structure: Any = policy_structure(settings.learner(settings.params()))
    return TrainedPolicy(cast("Policy", found.tree(structure)), settings, provenance)
