"""The wheel of the runtime: from the same files the same bytes, on every machine.

Nothing in it is compressed: git stores of two versions what is different between them, and
`git grep -a` finds what stands in it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from mlfactory.base.errors import MlfactoryError

from .stream import File, Files

PACKAGE = "mlfactory_runtime"
PLAIN = "100644"
TAGS = "Wheel-Version: 1.0\nGenerator: mlfactory\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def file_name(version: str) -> str:
    return f"{PACKAGE}-{version}-py3-none-any.whl"


def version_of(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}-").partition("-")[0]


def build(files: Files, version: str) -> bytes:
    """The wheel of what stands in template/runtime: pyproject.toml, LICENSE and the package.

    Raises MlfactoryError for a file that a wheel would not bring back as it is.
    """
    project = tomllib.loads(files["pyproject.toml"].content.decode())["project"]
    info = f"{PACKAGE}-{version}.dist-info"
    parts = {name: content_of(name, files[name]) for name in sorted(files) if is_package(name)}
    parts |= {
        f"{info}/METADATA": metadata(project, version).encode(),
        f"{info}/WHEEL": TAGS.encode(),
        f"{info}/entry_points.txt": scripts(project).encode(),
        f"{info}/licenses/LICENSE": files["LICENSE"].content,
    }
    parts[f"{info}/RECORD"] = record(parts, f"{info}/RECORD").encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(plain(name), content)
    return target.getvalue()


def is_package(name: str) -> bool:
    return name.startswith(f"{PACKAGE}/")


def content_of(name: str, file: File) -> bytes:
    if file.mode != PLAIN:
        raise MlfactoryError(f"{name} is executable, and the runtime has no such files", "chmod -x")
    return file.content


def plain(name: str) -> zipfile.ZipInfo:
    """An entry without anything of the machine in it: no date, no owner, no mode of its own."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix
    entry.external_attr = 0o100644 << 16
    return entry


def metadata(project: Mapping[str, Any], version: str) -> str:
    extras = project.get("optional-dependencies", {})
    dependencies = [("", text) for text in project["dependencies"]]
    dependencies += [(extra, text) for extra in extras for text in extras[extra]]
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {project['requires-python']}",
        *(f"Provides-Extra: {extra}" for extra in extras),
        *(f"Requires-Dist: {requirement(text, extra)}" for extra, text in dependencies),
    ]
    return "\n".join(lines) + "\n"


def requirement(text: str, extra: str) -> str:
    """A dependency as metadata has it: those of an extra on condition of it."""
    package, _, condition = (part.strip() for part in text.partition(";"))
    of_extra = f"extra == '{extra}'" if extra else ""
    both = f"({condition}) and {of_extra}" if condition and extra else condition or of_extra
    return f"{package} ; {both}" if both else package


def scripts(project: Mapping[str, Any]) -> str:
    lines = (f"{name} = {target}\n" for name, target in project["scripts"].items())
    return "[console_scripts]\n" + "".join(lines)


def record(parts: Mapping[str, bytes], own: str) -> str:
    """Name, hash and size of every file, and the name of the list itself."""
    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\n")
    for name, content in parts.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        rows.writerow((name, f"sha256={digest.decode()}", len(content)))
    rows.writerow((own, "", ""))
    return target.getvalue()


def files(content: bytes) -> Files:
    """The package's files in a wheel. Raises MlfactoryError for what is none."""
    return {name: File(PLAIN, data) for name, data in members(content) if is_package(name)}


def listing(content: bytes) -> Files:
    """All that can be compared: names without the version, and not the list of hashes."""
    parts = {re.sub(r"^[^/]+\.dist-info/", "dist-info/", n): data for n, data in members(content)}
    return {n: File(PLAIN, data) for n, data in parts.items() if n != "dist-info/RECORD"}


def members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Every file in a wheel."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from ((entry.filename, archive.read(entry)) for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise MlfactoryError(f"a wheel of the runtime is damaged: {error}") from error
