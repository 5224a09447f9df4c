"""`mlfactory template compose --init`: the folder in which a company keeps its conventions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import addresses
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import published

from .company import write
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
    """Write what a platform team begins with. Raises MlfactoryError where a file is there that says
    something else; one that is the same was written before somebody stopped it."""
    addresses.refuse("--publish", publish)
    texts = texts_for(folder, publish)
    there = [name for name in FILES if (folder / name).exists()]
    if odd := [name for name in there if (folder / name).read_bytes() != texts[name].encode()]:
        raise MlfactoryError(f"{folder} has {', '.join(odd)} already", "Choose another folder.")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, texts[name])
    return Start(str(folder), tuple(FILES))


def texts_for(folder: Path, publish: str) -> dict[str, str]:
    """The files, by their names."""
    values = {
        "NAME": folder.resolve().name,
        "VERSION": newest(published.template("")),
        "URL": publish or URL,
    }
    texts = {name: (HERE / source).read_text("utf-8") for name, source in FILES.items()}
    for word, value in values.items():
        texts["company.yml"] = texts["company.yml"].replace(word, value)
    return texts
