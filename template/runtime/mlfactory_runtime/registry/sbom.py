"""What a version consists of, as a bill of materials: CycloneDX 1.6 in JSON.

https://cyclonedx.org/docs/1.6/json/. The same version gives the same text, as far as the same
packages are installed: their licences stand nowhere else.
"""

import importlib.metadata
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ..git import git
from ..learn.signing import root_digest, statement_of
from ..project import Project
from .artifact import lock_of
from .resolve import Registered, resolve
from .tags import artifact

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "md5": "MD5"}
Entry = dict[str, Any]


def sbom(project: Project, version: str) -> str:
    """The model with its files, the data it learned from, and every package of its uv.lock."""
    return content(project, resolve(project, version))


def content(project: Project, registered_model: Registered) -> str:
    """The same for a version whose files are at hand."""
    packages, data = registered_model.project.locked, raw_data(registered_model.project)
    libraries = [library(one) for one in packages if is_library(one)]
    model = model_of(project, registered_model)
    direct = [ref for one in packages if not is_library(one) for ref in refs(one, packages)]
    needs = {"ref": model["bom-ref"], "dependsOn": sorted({*direct, *(d["bom-ref"] for d in data)})}
    depends = [
        {"ref": ref_of(one), "dependsOn": refs(one, packages)}
        for one in packages
        if is_library(one)
    ]
    needed = reached(packages)
    for one in libraries:
        one["scope"] = "required" if one["bom-ref"] in needed else "excluded"
    when = git(project.root, "show", "--no-patch", "--format=%cI", str(registered_model.commit))
    bill = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": when, "component": model},
        "components": [*data, *libraries],
        "dependencies": [needs, *depends],
    }
    number = uuid5(NAMESPACE_URL, json.dumps(bill)).urn
    return json.dumps({**bill, "serialNumber": number}, ensure_ascii=False) + "\n"


def model_of(project: Project, model: Registered) -> Entry:
    """The model, and its files by their hashes; its own hash is the one that is signed."""
    resources = statement_of(model.model).predicate.resources
    files = [
        {"type": "file", "bom-ref": f"model/{one.name}", "name": one.name,
         "hashes": hashes(f"sha256:{one.digest}")}
        for one in resources
    ]  # fmt: skip
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": artifact(project),
        "version": str(model.version),
        "hashes": hashes(f"sha256:{root_digest(resources)}"),
        "properties": [{"name": "mlfactory:commit", "value": str(model.commit)}],
        "components": files,
    }


def raw_data(theirs: Project) -> list[Entry]:
    """The data that the pipeline began with, by DVC's hash."""
    path = theirs.params.data.path
    deps = lock_of(theirs.root).get("prepare", {}).get("deps", [])
    return [
        {"type": "data", "bom-ref": f"data/{path}", "name": path, "hashes": hashes(f"md5:{md5}")}
        for one in deps
        if one["path"] == path and (md5 := one.get("md5"))
    ]


def is_library(package: Entry) -> bool:
    """Whether a package of uv.lock is another than the factory itself."""
    return not package.get("source", {}).keys() & {"editable", "virtual"} or is_runtime(package)


def is_runtime(package: Entry) -> bool:
    """Whether it is the library of all factories, which may stand in the repository."""
    return bool(package["name"] == "mlfactory-runtime")


def ref_of(package: Entry) -> str:
    return f"{package['name']}@{package.get('version', '')}"


def refs(package: Entry, packages: list[Entry]) -> list[str]:
    """What a package needs, with its extras and, of the factory, its groups."""
    groups = (*package.get("optional-dependencies", {}).values(),
              *package.get("dev-dependencies", {}).values())  # fmt: skip
    entries = [*package.get("dependencies", []), *(one for group in groups for one in group)]
    return sorted({ref for one in entries for ref in resolved(one, packages)})


def resolved(entry: Entry, packages: list[Entry]) -> list[str]:
    """The packages that an entry means; it tells the version only where there are several."""
    return [
        ref_of(one)
        for one in packages
        if one["name"] == entry["name"]
        and entry.get("version", one.get("version")) == one.get("version")
    ]


def reached(packages: list[Entry]) -> set[str]:
    """What predictions need: the factory's own dependencies, and theirs, with the extras named."""
    by_ref = {ref_of(one): one for one in packages}
    own = [one for one in packages if not is_library(one)]
    waiting = [want for one in own for want in one.get("dependencies", [])]
    reachable: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        want = waiting.pop()
        extras = tuple(want.get("extra", ()))
        for ref in resolved(want, packages):
            if (ref, extras) not in reachable:
                reachable.add((ref, extras))
                one = by_ref[ref]
                more = one.get("optional-dependencies", {})
                more_refs = [dep for extra in extras for dep in more.get(extra, [])]
                waiting += [*one.get("dependencies", []), *more_refs]
    return {ref for ref, _ in reachable}


def library(package: Entry) -> Entry:
    """A package: name, version, licence, and where it may have come from, each with its hash."""
    name, version = package["name"], package.get("version", "")
    entry = {"type": "library", "bom-ref": ref_of(package), "name": name, "version": version}
    files = [*([package["sdist"]] if "sdist" in package else []), *package.get("wheels", [])]
    if "registry" in package.get(
        "source", {}
    ):  # another's package may have the name of a local one
        entry["purl"] = f"pkg:pypi/{name}@{version}"
    places = [
        {"type": "distribution", "url": one.get("url") or one.get("path") or one["filename"],
         "hashes": hashes(one["hash"])}
        for one in files
        if "hash" in one
    ]  # fmt: skip
    return {
        **entry,
        **dict(licences(name, version)),
        **({"externalReferences": places} if places else {}),
    }


def field(metadata: importlib.metadata.PackageMetadata, name: str) -> str:
    """One of its fields; some readers of metadata raise KeyError for one that is not there."""
    return metadata[name] or "" if name in metadata else ""


def licences(name: str, version: str) -> Iterator[tuple[str, list[Entry]]]:
    """What the installed package says of its licence, if it is of that version."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return
    if metadata["Version"] != version:
        return
    classifiers = [one.rpartition(" :: ")[2] for one in metadata.get_all("Classifier") or []
             if one.startswith("License :: OSI Approved ::")]  # fmt: skip
    if expression := field(metadata, "License-Expression"):
        yield "licenses", [{"expression": expression}]
    elif classifiers:
        yield "licenses", [{"license": {"name": one}} for one in classifiers]
    elif (text := field(metadata, "License")) and re.fullmatch(r"[^\n]{1,80}", text):
        yield "licenses", [{"license": {"name": text}}]


def hashes(text: str) -> list[Entry]:
    """A hash as uv.lock writes it: `sha256:…`."""
    kind, _, digest = text.partition(":")
    return [{"alg": ALGORITHMS[kind], "content": digest}] if kind in ALGORITHMS else []
