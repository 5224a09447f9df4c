"""The how-to about updates, done as it says; between its parts, the world moves on."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import ROOT, Command
from .evolving import SMALL, TEXT, edited, mlfactory, project, release, template
from .template.pages import BLOCK, step

PAGE = (ROOT / "docs/how-to/update.md").read_text("utf-8")
FIRST = {**SMALL, "tree/README.md": f"# Churn\n\n{TEXT}", "tree/check.sh": "#!/bin/sh\nexit 0\n"}


def part(title: str) -> str:
    """The commands below a heading, as a script."""
    text = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (chapter,) = [section for section in text if section.startswith(title)]
    return "".join(step(*block) for block in BLOCK.findall(chapter))


def test_the_page(tmp_path: Path, command: Command) -> None:
    source = template(tmp_path / "template", FIRST)
    churn = project(source, tmp_path / "churn").commit({"a.txt": edited(15, "ours")})

    def do(title: str) -> tuple[str, str]:
        result = command("bash", "-euo", "pipefail", "-c", part(title), cwd=churn.path)
        return result.stdout, result.stderr

    release(source, "v1.1.0", {"tree/a.txt": edited(3, "theirs")})
    assert "behind: v1.0.0 -> v1.1.0" in do("Is there anything new?")[0]
    assert "merged        a.txt" in do("Look first")[0]
    assert "a.txt" in do("Take it\n")[0]
    both = edited(3, "theirs", of=edited(15, "ours"))
    assert churn.text("a.txt") == both
    do("Take it back")
    assert (churn.text("a.txt"), churn.git("rev-list", "--count", "HEAD")) == (both, "5\n")

    release(source, "v1.2.0", {"tree/README.md": f"# Churn\n\n{edited(3, 'theirs')}"})
    churn.commit({"README.md": f"# Churn\n\n{edited(3, 'ours')}"})
    result = do("When you and the template changed the same lines")
    assert "conflict      README.md" in result[0]
    assert churn.text("README.md") == f"# Churn\n\n{edited(3, 'theirs')}"
    assert churn.dirt == ""

    churn.commit({"README.md": "# Churn\n", "check.sh": "#!/bin/sh\nexit 1\n"})
    assert "edited        README.md" in do("What differs from the template?")[0]
    assert do("Put a file back")[0].startswith("would put back  README.md  (edited)\nput back")
    assert churn.text("README.md") == f"# Churn\n\n{edited(3, 'theirs')}"

    do("Leave files alone")
    churn.commit()
    release(source, "v1.2.1", {"tree/docs/more.md": "theirs\n"})
    assert "left alone    docs/more.md" in mlfactory("update", cwd=churn.path).stdout
    assert not churn.has("docs/more.md")

    do("Carry an improvement back")
    assert source.text("tree/check.sh") == "#!/bin/sh\nexit 1\n"
    release(source, "v1.3.0", {})
    assert "behind: v1.2.1 -> v1.3.0" in do("In CI")[0]
    assert '"state": "updated"' in (tmp_path / "update.json").read_text()
    assert churn.git("branch", "--show-current") == "update\n"
    assert churn.text("check.sh") == "#!/bin/sh\nexit 1\n"


def test_no_command_of_the_page_is_left_out() -> None:
    parts = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    tested = Path(__file__).read_text("utf-8")
    for title in parts:
        assert not part(f"{title}\n") or f'do("{title[:12]}' in tested, title
