"""The documentation as a site without a server: `sphinx-build -W docs site`, then site/index.html.

What index.md lists is what the navigation lists, by the same headings.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
LINK, HEADING = re.compile(r"\]\(([\w/-]+)\.md\)"), re.compile(r"^## (.+)$", re.M)
OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+[^)]*\)")

project = "mlfactory"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "mlfactory"
html_copy_source = html_show_sourcelink = False
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # of fences that name no language of Pygments
exclude_patterns = ["*.csv"]


def navigation(text: str) -> str:
    """The headings of a page, each with the pages that are linked below it."""
    _, *parts = HEADING.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n"
        + "\n".join(LINK.findall(part))
        + "\n```\n"
        for title, part in pairs
    )


def read(_: Sphinx, name: str, content: list[str]) -> None:
    """Lead nowhere beyond this folder: a site is read without the repository around it."""
    parent = (HERE / name).parent

    def link(match: re.Match[str]) -> str:
        target = match[0].rpartition("](")[2].partition(")")[0].partition("#")[0]
        return match[0] if (parent / target).resolve().is_relative_to(HERE) else match[1]

    content[0] = OUTSIDE.sub(link, content[0])
    if name == "index":
        content[0] += navigation(content[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", read)
