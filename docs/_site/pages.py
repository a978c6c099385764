"""Pages of the site that are no files in `docs`, and links that lead out of it.

The front page is the README; contributing and changes stand at the top of the project;
each room has a reference page made from its docstrings. A link to a test or an example
becomes its path, since the site does not carry the source.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

TOP = {"README.md": "index.md", "CONTRIBUTING.md": "", "CHANGELOG.md": ""}
ROOMS = (
    "spectrum",
    "edge",
    "envs",
    "learning",
    "io",
    "study",
    "game",
    "errors",
    "units",
)
LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in `docs`."""
    root = Path(config.docs_dir).parent
    for name, as_page in TOP.items():
        text = (root / name).read_text()
        files.append(File.generated(config, as_page or name, content=_inside(text)))
    for room in ROOMS:
        text = f"# stackelberg.{room}\n\n::: stackelberg.{room}\n"
        files.append(File.generated(config, f"reference/{room}.md", content=text))
    return files


def on_page_markdown(
    markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turn links that lead out of the site into pages it has, or into plain paths."""

    def target(match: re.Match[str]) -> str:
        text, path, anchor = match.group(1), match.group(2), match.group(3) or ""
        if not path.startswith("../"):
            return match.group()
        outside = path.removeprefix("../")
        if outside in TOP:
            return f"[{text}]({TOP[outside] or outside}{anchor})"
        return f"{text} (`{outside}`)" if text != outside else f"`{outside}`"

    return LINK.sub(target, markdown)


def _inside(text: str) -> str:
    """The text of a page at the top of the project, its links seen from `docs`."""

    def target(match: re.Match[str]) -> str:
        text, path, anchor = match.group(1), match.group(2), match.group(3) or ""
        if path.startswith("docs/"):
            return f"[{text}]({path.removeprefix('docs/')}{anchor})"
        return f"[{text}](../{path}{anchor})"

    return LINK.sub(target, text)
