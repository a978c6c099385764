"""Solve many cells as one batch, and leave scenarios, solutions and a report."""

from pathlib import Path

import stackelberg as sb
from stackelberg.spectrum.insight import describe

folder = Path("cells")
folder.mkdir(exist_ok=True)

cells = [sb.spectrum.generate(seed=s, num_channels=4, num_pairs=6) for s in range(5)]
solutions = sb.spectrum.solve_batch(cells)

for s, (cell, solution) in enumerate(zip(cells, solutions, strict=True)):
    sb.io.write_scenario(cell, folder / f"cell-{s}.json")
    sb.io.write_solution(solution, folder / f"cell-{s}.solution.json")
    gap = solution.certificate.bilevel_gap
    utility = solution.value.leader_utility / 1e6
    print(f"cell {s}: {solution.status.label}, {utility:.2f} Mbit/s, gap {gap:.1e}")

cell, solution = cells[0], solutions[0]
page = sb.report.render_page(
    sb.report.collect_data(
        cell,
        solution.value,
        solution.certificate,
        describe(cell, solution.value),
        concept="bilevel",
        status=solution.status,
        title="The first cell",
    )
)
(folder / "cell-0.html").write_text(page, encoding="utf-8")

again = sb.io.read_solution(folder / "cell-0.solution.json")
assert again.outcome.leader_utility == solution.value.leader_utility
