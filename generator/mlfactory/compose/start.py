"""`mlfactory template compose --init`: the folder in which a company keeps its conventions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import addresses
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import published

from .run import newest

HERE = Path(__file__).parent / "start"
FILES = {
    "company.yml": "company.yml",
    "CHANGELOG.md": "CHANGELOG.md",
    "files/SECURITY.md": "SECURITY.md",
    ".github/workflows/template.yml": "github.yml",
    ".gitlab-ci.yml": "gitlab.yml",
}
URL = "https://git.example.com/acme/template.git"


@dataclass(frozen=True)
class Start:
    """The folder, and the files that were written into it."""

    path: str
    files: tuple[str, ...]

    @property
    def summary(self) -> str:
        return "\n".join(
            [
                *(f"wrote {self.path}/{name}" for name in self.files),
                "next: look at company.yml; keep the workflow of your forge, and delete the other",
                f"next: cd {self.path} && mlfactory template compose --dry-run",
            ]
        )


def start(folder: Path, publish: str = "") -> Start:
    """Write what a platform team begins with. Raises MlfactoryError where some of it is there."""
    addresses.refuse("--publish", publish)
    if there := [name for name in FILES if (folder / name).exists()]:
        raise MlfactoryError(f"{folder} has {', '.join(there)} already", "Choose another folder.")
    values = {
        "NAME": folder.resolve().name,
        "VERSION": newest(published.template("")),
        "URL": publish or URL,
    }
    for name, source in FILES.items():
        text = (HERE / source).read_text("utf-8")
        for word, value in values.items() if name == "company.yml" else ():
            text = text.replace(word, value)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Start(str(folder), tuple(FILES))
