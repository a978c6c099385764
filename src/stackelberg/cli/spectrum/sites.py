"""`stackelberg spectrum import`: cells around real base-station sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    existing_folder,
    file_in_existing_folder,
    folder_that_can_be_made,
    options_named,
    refuse_overwriting,
)
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError

_OPTIONS = {
    "site": "--site",
    "radius_m": "--radius",
    "num_channels": "--channels",
    "num_pairs": "--pairs",
    "seed": "--seed",
    "d2d_distance_m": "--d2d-distance",
}


def import_sites(
    sites: Annotated[
        Path, typer.Option(help="CSV with the columns SITE_ID, LATITUDE, LONGITUDE.")
    ],
    users: Annotated[
        Path, typer.Option(help="CSV with the columns Latitude, Longitude.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="Scenario file; a folder with --all-sites."
        ),
    ],
    site: Annotated[str | None, typer.Option(help="The SITE_ID to import.")] = None,
    all_sites: Annotated[
        bool, typer.Option("--all-sites", help="One scenario per site that has users.")
    ] = False,
    radius: Annotated[float, typer.Option(help="Of the cell, m.")] = 500.0,
    channels: Annotated[int, typer.Option(help="One cellular user each.")] = 25,
    pairs: Annotated[int, typer.Option(help="D2D pairs.")] = 50,
    seed: Seed = 0,
    d2d_distance: Annotated[
        tuple[float, float],
        typer.Option(help="Least and greatest distance within a pair, m."),
    ] = (10.0, 50.0),
    as_json: AsJson = False,
) -> None:
    """Make scenarios from real base-station sites and users (EUA column names)."""
    if all_sites == (site is not None):
        raise ConfigError(
            "--site",
            expected="either --site ID or --all-sites",
            got="both" if all_sites else "neither",
        )
    arguments: dict[str, Any] = {
        "radius_m": radius,
        "num_channels": channels,
        "num_pairs": pairs,
        "seed": seed,
        "d2d_distance_m": d2d_distance,
    }
    if site is None:
        _import_all(
            sites, users, folder_that_can_be_made("-o", output), arguments, as_json
        )
    else:
        target = file_in_existing_folder("-o", output)
        refuse_overwriting([sites, users], {"-o": [target]})
        _import_one(sites, users, site, target, arguments, as_json)


def _import_one(
    sites: Path,
    users: Path,
    site: str,
    target: Path,
    arguments: dict[str, Any],
    as_json: bool,
) -> None:
    from stackelberg import io

    with terminal.progress(f"importing site {site}"), options_named(_OPTIONS):
        io.write_scenario(io.import_eua(sites, users, site=site, **arguments), target)
    if as_json:
        terminal.print_json({"scenarios": [str(target)], "refused": {}})
    else:
        terminal.console().print(
            f"site {site}: {arguments['num_channels']} channels, "
            f"{arguments['num_pairs']} pairs: {target}"
        )


def _import_all(
    sites: Path, users: Path, folder: Path, arguments: dict[str, Any], as_json: bool
) -> None:
    from stackelberg import io

    with terminal.progress("importing every site"):
        with options_named(_OPTIONS):
            found = io.import_all_eua(sites, users, **arguments)
        written = {site: folder / file_name(site) for site in found.scenarios}
        refuse_overwriting([sites, users], {"-o": list(written.values())})
        existing_folder("-o", folder)
        for site, scenario in found.scenarios.items():
            io.write_scenario(scenario, written[site])
    refused = {site: str(error) for site, error in found.refused.items()}
    if as_json:
        paths = [str(path) for path in written.values()]
        terminal.print_json({"scenarios": paths, "refused": refused})
        return
    console = terminal.console()
    console.print(f"{len(written)} sites imported: {folder}")
    if refused:
        console.print(f"{len(refused)} sites passed over, the first of them:")
        console.print(f"  {next(iter(refused.values()))}")


def file_name(site: str) -> str:
    """The scenario file of a site; what no file name may hold is percent-encoded."""
    return f"site-{quote(site, safe=' ')}.json"
