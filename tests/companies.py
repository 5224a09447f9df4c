"""A company's conventions, as its platform team would keep them, and what they do to a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

IMAGE = "registry.example.com/python:"
RUNNER = "runs-on: acme-linux"
HEADER = "# Copyright Acme. Internal use only."
COMPANY: dict[str, Any] = {
    "name": "acme",
    "files": "files",
    "changelog": "CHANGELOG.md",
    "questions": {
        "cost_centre": {
            "type": "str",
            "help": "Which cost centre pays for it?",
            "required": True,
            "example": "CC-1234",
            "validator": (
                "{% if not (cost_centre | regex_search('^CC-[0-9]{4}$')) %}"
                "Write it as CC-1234.{% endif %}"
            ),
        },
    },
    "rules": [
        {
            "name": "base image",
            "files": "Dockerfile",
            "find": "^FROM python:",
            "put": f"FROM {IMAGE}",
        },
        {
            "name": "runner",
            "files": ".github/workflows/*.yml",
            "find": "runs-on: ubuntu-[0-9.]+$",
            "put": RUNNER,
        },
        {"name": "header", "files": "*.py", "header": HEADER},
    ],
}
FILES = {
    "SECURITY.md": "Ask the security team of Acme.\n",
    ".github/CODEOWNERS": "* @acme/ml\n",
    "docs/cost.md.jinja": "Cost centre {{ cost_centre }} pays.\n",
}


def conventions(top: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """Write company.yml and what it names; `changes` replace entries, None takes one out."""
    content = {**COMPANY, **(changes or {})}
    top.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        path = top / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (top / "CHANGELOG.md").write_text("- Acme's own: a header, an image, a runner.\n")
    file = top / "company.yml"
    file.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
    return file
