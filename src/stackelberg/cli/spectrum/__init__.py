"""`stackelberg spectrum`: the game in which a base station prices D2D reuse."""

from __future__ import annotations

import typer

from stackelberg.cli.spectrum.certify import certify
from stackelberg.cli.spectrum.compare import compare
from stackelberg.cli.spectrum.explain import explain
from stackelberg.cli.spectrum.generate import generate
from stackelberg.cli.spectrum.play import play
from stackelberg.cli.spectrum.sites import import_sites
from stackelberg.cli.spectrum.solve import solve

__all__ = ["spectrum"]

spectrum = typer.Typer(
    help="A base station prices D2D reuse of its channels; D2D pairs answer.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
spectrum.command("generate")(generate)
spectrum.command("import")(import_sites)
spectrum.command("solve")(solve)
spectrum.command("certify")(certify)
spectrum.command("compare")(compare)
spectrum.command("explain")(explain)
spectrum.command("play")(play)
