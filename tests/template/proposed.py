"""A factory at work on a forge: what its jobs are run on, and what people do to it meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute, make
from .dates import at_origin
from .environments import share_bytecode
from .releases import put_template


def build(folder: Path, serving: str, env: dict[str, str]) -> Factory:
    """A factory on GitHub with a remote and an origin; v1.0.0 is registered, proposed, and merged.
    What Python has compiled of its packages is at hand for the environments of its jobs.
    """
    (folder / "storage").mkdir()
    storage = ("--remote", str(folder / "storage"), "--no-train")  # which is after the settings
    options = ("--serving", serving, *storage, *put_template(folder, env))
    factory = make("binary", folder, env, *options)
    settings = factory.text("params.yaml").replace("url_env: null", "url_env: FACTORY_LOG_URL")
    factory.write("params.yaml", settings)
    factory.run("dvc", "repro", "--quiet")
    factory.run("dvc", "push", "--quiet")
    factory.run("git", "add", "--all")
    commit(factory, "Keep data and models in storage")
    factory.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "origin"))
    factory.run("git", "remote", "add", "origin", str(folder / "origin"))
    push(factory)
    tag = factory.json("factory", "register", "--json")["tag"]
    options = ("--to", "prod", "--force", "--why", "the first one", "--json")
    branch = factory.json("factory", "promote", tag.rpartition("@")[2], *options)["branch"]
    factory.run("git", "merge", "--quiet", "--no-ff", "--message", "Merge", branch)
    push(factory, tag)
    (folder / "log.db").touch()
    share_bytecode(factory.path / ".venv", Path(env["UV_CACHE_DIR"]))
    return factory


def move_to_gitlab(factory: Factory) -> None:
    """Let it have GitLab's jobs instead of GitHub's, as its people would. The model, which depends
    on the answers, would become the same: so it is kept.
    """
    update = ("update", "--set", "ci=gitlab", "--trust", "--no-check")
    execute((str(SCRIPTS / "mlfactory"), *update), factory.path, factory.env)
    factory.run("dvc", "commit", "--quiet", "--force")
    commit(factory, "Keep the model")
    push(factory)


def commit(factory: Factory, message: str) -> None:
    """Commit what was changed, as whoever may do so."""
    words = ("--quiet", "--all", "--no-verify", "--allow-empty", "--message", message)
    factory.run("git", "commit", *words)


def push(factory: Factory, *more: str) -> None:
    """Change the main branch at the origin."""
    factory.run("git", "push", "--quiet", "origin", "HEAD:main", *more)


def set_to(factory: Factory, section: str, **settings: Any) -> None:
    """Change settings on the main branch."""
    params = yaml.safe_load(factory.text("params.yaml"))
    params[section] |= settings
    factory.write("params.yaml", yaml.safe_dump(params, sort_keys=False, allow_unicode=True))
    commit(factory, f"Set {section}")
    push(factory)


def deliver(factory: Factory) -> None:
    """Let there be more rows at the factory's source than it has learned from."""
    file = factory.path.parent / "delivered.csv"
    customers(1800).drop("revenue", "segment").write_csv(file)
    set_to(factory, "data", source=str(file))


def catalog(factory: Factory) -> dict[str, Any]:
    """What the branch `status` says."""
    assert at_origin(factory, "ls-tree", "--name-only", "status") == "catalog.json\n"
    content: dict[str, Any] = json.loads(at_origin(factory, "show", "status:catalog.json"))
    return content


def deployed(factory: Factory) -> dict[str, Any]:
    """What the branch `deployments` says of production."""
    content: dict[str, Any] = json.loads(at_origin(factory, "show", "deployments:prod.json"))
    return content


def is_online(factory: Factory) -> bool:
    return (factory.path / "Dockerfile").is_file()
