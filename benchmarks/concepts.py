"""What the leader loses by `iterated` and `published`, per number of pairs and weight.

    ./run bench concepts              print the table
    ./run bench concepts --write      and put it into docs/spectrum.md

Channels of generated cells (pairs on channels at random); the loss is against the
`bilevel` answer, certified to 1e-4. Where the iteration does not settle, the followers
answer its last prices.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import stackelberg as sb

PAGE = Path(__file__).parent.parent / "docs" / "spectrum.md"
RATIOS = (0.1, 0.3, 1.0, 5.0)
SIZES = (1, 2, 3, 4, 6)


def losses(ratio: float, pairs: int, cells: int) -> dict[str, np.ndarray]:
    """Relative loss of leader utility per cell of one channel, by concept."""
    scenarios = [
        sb.spectrum.generate(
            seed=seed,
            num_channels=1,
            num_pairs=pairs,
            channel=[0] * pairs,
            follower_price_weight=ratio,
        )
        for seed in range(cells)
    ]
    best = sb.spectrum.solve_batch(scenarios)
    lost: dict[str, np.ndarray] = {}
    for concept in ("iterated", "published"):
        answers = sb.spectrum.solve_batch(scenarios, concept)
        lost[concept] = np.array(
            [
                1.0 - answer.value.leader_utility / optimum.value.leader_utility
                for answer, optimum in zip(answers, best, strict=True)
            ]
        )
    return lost


def table(cells: int) -> str:
    lines = [
        f"Loss of leader utility on one channel, mean / worst of {cells} generated "
        "cells:",
        "",
        "| beta^f / beta^l | concept | "
        + " | ".join(f"{k} pair{'s' if k > 1 else ''}" for k in SIZES)
        + " |",
        "|---|---|" + "---|" * len(SIZES),
    ]
    for ratio in RATIOS:
        rows = [losses(ratio, k, cells) for k in SIZES]
        for concept in ("iterated", "published"):
            shown = " | ".join(
                f"{100 * row[concept].mean():.2g} % / {100 * row[concept].max():.2g} %"
                if row[concept].max() > 1e-6
                else "0"
                for row in rows
            )
            lines.append(f"| {ratio:g} | `{concept}` | {shown} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the docs page")
    parser.add_argument("--cells", type=int, default=400)
    options = parser.parse_args(arguments)
    text = table(options.cells)
    print(text)
    if options.write:
        begin, end = "<!-- concepts -->\n", "<!-- end concepts -->\n"
        before, rest = PAGE.read_text().split(begin)
        PAGE.write_text(before + begin + text + end + rest.split(end)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
