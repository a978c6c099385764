"""Which test holds which equation, read off the markers without running a test.

    python tests/equation_markers.py            say what is stale; exit 1 if anything is
    python tests/equation_markers.py --write    write printed_tests.json and both pages

The package itself need not be installed: its source folder is used.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))

from stackelberg import equations as registry  # noqa: E402

TESTS = ROOT / "tests"
MAP = ROOT / "src/stackelberg/printed_tests.json"
EQUATIONS_PAGE = ROOT / "docs/equations.md"
ERRATA_PAGE = ROOT / "docs/errata.md"


def markers(source: str, path: str) -> Iterator[tuple[str, tuple[object, ...], str]]:
    """(marker, its arguments, test) of every equation and erratum marker in a file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if not isinstance(decorator, ast.Call):
                continue
            name = ast.unparse(decorator.func).removeprefix("pytest.mark.")
            if name in ("equation", "erratum"):
                arguments = tuple(ast.literal_eval(x) for x in decorator.args)
                yield name, arguments, f"{path}::{node.name}"


def held_by_tests(folder: Path = TESTS) -> dict[str, dict[str, list[str]]]:
    """Tests of each equation ("D2D 28") and of each erratum ("E4")."""
    found: dict[str, dict[str, list[str]]] = {"equations": {}, "errata": {}}
    for file in sorted(folder.rglob("test_*.py")):
        path = f"tests/{file.relative_to(folder).as_posix()}"
        for name, arguments, test in markers(file.read_text(encoding="utf-8"), path):
            if name == "erratum":
                found["errata"].setdefault(str(arguments[0]), []).append(test)
                continue
            paper, *numbers = arguments
            for number in numbers:
                key = f"{paper} {number}"
                found["equations"].setdefault(key, []).append(test)
    return {
        kind: {key: sorted(tests[key]) for key in sorted(tests)}
        for kind, tests in found.items()
    }


def problems(held: dict[str, dict[str, list[str]]]) -> list[str]:
    """What does not fit between the list of equations and the tests' markers."""
    listed = {
        "equations": [f"{x.paper} {x.number}" for x in registry.equations()],
        "errata": [x.name for x in registry.errata()],
    }
    found: list[str] = []
    for kind, names in listed.items():
        singular = {"equations": "equation", "errata": "erratum"}[kind]
        found += [f"{singular} {x} has no test" for x in names if x not in held[kind]]
        found += [
            f"{tests[0]} marks {singular} {x}, which printed.toml does not list"
            for x, tests in held[kind].items()
            if x not in names
        ]
        found += [
            f"{singular} {x} is listed twice" for x in set(names) if names.count(x) > 1
        ]
    return found


def short(function: str) -> str:
    return "`" + function.removeprefix("stackelberg.") + "`"


def links_to(tests: tuple[str, ...]) -> str:
    return "<br>".join(
        f"[{test.split('::')[1]}](../{test.split('::')[0]})" for test in tests
    )


def equations_page() -> str:
    """docs/equations.md."""
    lines = [
        "# Printed equations",
        "",
        "What each equation says, which function computes it, which test holds it.",
        "Errors in print are explained in [errata.md](errata.md). Generated from",
        "`src/stackelberg/printed.toml` and the tests' markers by",
        "`python tests/equation_markers.py --write`; do not edit.",
    ]
    for paper, title in registry.papers().items():
        lines += ["", f"## {paper}", "", title, ""]
        lines += ["| | says | functions | tests | errata |", "|---|---|---|---|---|"]
        for x in registry.equations(paper):
            wrong = ", ".join(f"[{e}](errata.md#{e.lower()})" for e in x.errata) or "-"
            functions = "<br>".join(map(short, x.functions))
            lines.append(
                f"| ({x.number}) | {x.says} | {functions} | {links_to(x.tests)} "
                f"| {wrong} |"
            )
    return "\n".join(lines) + "\n"


def errata_page() -> str:
    """docs/errata.md."""
    lines = [
        "# Errors in print",
        "",
        "Each entry is shown by a test that computes print and truth side by side, the",
        "truth by a search or an enumeration that uses neither formula. The printed",
        "formulas are kept in `spectrum.published`, `edge.published` and",
        "`learning.tabular.convergence`. Letters are the papers'; weights are beta^f",
        "and beta^l, or w. Generated from `src/stackelberg/printed.toml` by",
        "`python tests/equation_markers.py --write`; do not edit.",
    ]
    for paper, title in registry.papers().items():
        lines += ["", f"## {paper}", "", title]
        for x in registry.errata(paper):
            numbers = ", ".join(f"({number})" for number in x.equations)
            where = (
                x.where
                if not numbers or numbers in x.where
                else f"{x.where}; {numbers}"
            )
            lines += [
                "",
                f"### {x.name}",
                f"- where: {where}",
                f"- printed: {x.printed}",
                f"- correct: {x.correct}",
                f"- counterexample: {x.example}",
                f"- cost: {x.cost}",
                f"- functions: {', '.join(map(short, x.functions))}",
                f"- test: {links_to(x.tests)}",
            ]
    return "\n".join(lines) + "\n"


def map_text(held: dict[str, dict[str, list[str]]]) -> str:
    return json.dumps(held, indent=1) + "\n"


def stale() -> list[Path]:
    """Generated files that no longer say what list and markers say."""
    wanted = {
        MAP: map_text(held_by_tests()),
        EQUATIONS_PAGE: equations_page(),
        ERRATA_PAGE: errata_page(),
    }
    return [
        file
        for file, text in wanted.items()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    ]


def write() -> None:
    """Write the map first: both pages are made from what the package then ships."""
    MAP.write_text(map_text(held_by_tests()), encoding="utf-8")
    EQUATIONS_PAGE.write_text(equations_page(), encoding="utf-8")
    ERRATA_PAGE.write_text(errata_page(), encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        write()
    elif arguments:
        print("usage: python tests/equation_markers.py [--write]", file=sys.stderr)
        return 2
    found = problems(held_by_tests())
    found += [
        f"{file.relative_to(ROOT)} is stale; run with --write" for file in stale()
    ]
    print("\n".join(found) or "every equation has its test")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
