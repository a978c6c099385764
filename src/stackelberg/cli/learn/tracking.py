"""Where metrics go besides the log: TensorBoard or MLflow, each loaded when asked."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Literal, Protocol

from stackelberg.errors import ConfigError, MissingExtraError

TrackerName = Literal["none", "tensorboard", "mlflow"]


_PACKAGES: dict[TrackerName, str] = {"tensorboard": "tensorboardX", "mlflow": "mlflow"}


_EXPERIMENT = "stackelberg"


class Tracker(Protocol):
    """Takes numbers by step."""

    def log(self, step: int, values: dict[str, Any], prefix: str = "") -> None:
        """Take the numbers of a step; what is None is left out."""
        ...

    def close(self) -> None:
        """Bring all to the disk."""
        ...


class NoTracker:
    """Takes nothing."""

    def log(self, step: int, values: dict[str, Any], prefix: str = "") -> None:
        """Leave it."""

    def close(self) -> None:
        """Nothing to do."""


class TensorBoard:
    """Event files for TensorBoard in the run's folder."""

    def __init__(self, folder: Path) -> None:
        module = _module(_PACKAGES["tensorboard"])
        self._writer: Any = module.SummaryWriter(str(folder / "tensorboard"))

    def log(self, step: int, values: dict[str, Any], prefix: str = "") -> None:
        """Take the numbers of a step."""
        for name, value in _numbers(values).items():
            self._writer.add_scalar(prefix + name, value, step)

    def close(self) -> None:
        """Bring all to the disk."""
        self._writer.close()


class MLflow:
    """A run on the MLflow server that ``MLFLOW_TRACKING_URI`` names."""

    def __init__(self, folder: Path) -> None:
        module = _module(_PACKAGES["mlflow"])
        place = os.environ["MLFLOW_TRACKING_URI"]
        self._client: Any = module.MlflowClient(place, registry_uri=place)
        known = self._client.get_experiment_by_name(_EXPERIMENT)
        number = (
            self._client.create_experiment(_EXPERIMENT)
            if known is None
            else known.experiment_id
        )
        made = self._client.create_run(number, run_name=folder.name)
        self._run: str = made.info.run_id

    def log(self, step: int, values: dict[str, Any], prefix: str = "") -> None:
        """Take the numbers of a step."""
        for name, value in _numbers(values).items():
            self._client.log_metric(self._run, prefix + name, value, step=step)

    def close(self) -> None:
        """End the run."""
        self._client.set_terminated(self._run)


def check_tracker(name: TrackerName) -> None:
    """Find out before the work whether the tracker is installed.

    Raises:
        MissingExtraError: if it is not.
        ConfigError: if nobody says where MLflow is; its small package has no store.
    """
    if name != "none":
        _module(_PACKAGES[name])
    if name == "mlflow" and not os.environ.get("MLFLOW_TRACKING_URI"):
        raise ConfigError(
            "--track mlflow",
            expected="MLFLOW_TRACKING_URI, the address of a server",
            got="nothing",
        )


def tracker_of(name: TrackerName, folder: Path) -> Tracker:
    """The tracker of that name for a run's folder.

    Raises:
        MissingExtraError: if its package is not installed.
    """
    if name == "tensorboard":
        return TensorBoard(folder)
    return MLflow(folder) if name == "mlflow" else NoTracker()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(name, "track") from None


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
