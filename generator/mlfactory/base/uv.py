"""A factory's environment, made by uv with what pip knows of indexes, proxies and trust."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from . import answers, git, organisation, process
from .errors import MlfactoryError

# pip's setting -> uv's variable; what both call the same way is left out.
REMOTE = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "HTTPS_PROXY",
}
STRATEGY = "UV_INDEX_STRATEGY"
SOURCES = ("index-url", "extra-index-url", "find-links")
# Other names under which the environment may have said the same thing.
ALIASES = {
    "UV_DEFAULT_INDEX": ("UV_INDEX_URL",),
    "UV_INDEX": ("UV_EXTRA_INDEX_URL",),
    "SSL_CERT_FILE": ("SSL_CERT_DIR",),
    "HTTPS_PROXY": ("https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
}
# What would send uv to another interpreter, another folder, or keep it from writing a lock.
NEUTRAL = {
    "UV_PYTHON": "",
    "VIRTUAL_ENV": "",
    "UV_PROJECT_ENVIRONMENT": ".venv",
    "UV_FROZEN": "0",
    "UV_LOCKED": "0",
    "UV_PYTHON_DOWNLOADS": "never",
}
UNFINISHED = "mlfactory-unfinished"
COMMITTED = "{} is committed: its programs are those of whoever wrote the repository"
REMOVE = "Look at what is in it, then: git rm -r --cached .venv && rm -r .venv && uv sync"
LOCAL_WARNING = (
    "uv.lock names package sources that are folders of this machine ({}): it will not install "
    "elsewhere; give the packages an index that everybody reaches, then `uv lock`"
)


@dataclass(frozen=True)
class Settings:
    """Variables for uv; `local` are those whose sources are folders of this machine."""

    variables: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def program() -> str:
    """The uv program that was installed with mlfactory, else the one on the PATH."""
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError as error:
        raise MlfactoryError("uv is not installed", "pip install uv") from error


def environment(project: Path) -> dict[str, str]:
    """Variables under which programs of the factory's environment find each other."""
    programs = project / ".venv" / "bin"
    path = f"{programs}{os.pathsep}{process.environment()['PATH']}"
    return {"PATH": path, "VIRTUAL_ENV": str(project / ".venv")}


def settings(pip: Mapping[str, str] | None = None) -> Settings:
    """What pip is configured with and uv is not; what is set for uv already wins."""
    pip = pip_settings() if pip is None else pip
    entries = {REMOTE[key]: (key, value) for key, value in pip.items() if key in REMOTE}
    entries = {name: pair for name, pair in entries.items() if not is_set(name)}
    variables: dict[str, str] = {}
    local: dict[str, str] = {}
    for name, (key, value) in entries.items():
        here, there = split_sources(value) if key in SOURCES else ("", value)
        variables |= {name: there} if there else {}
        local |= {name: f"{here} {there}".strip()} if here else {}
    for where in (variables, local):
        if (
            "UV_INDEX" in where and STRATEGY not in os.environ
        ):  # pip takes the best version of all indexes
            where[STRATEGY] = "unsafe-best-match"
    if "HTTPS_PROXY" in variables:
        variables["HTTP_PROXY"] = variables["HTTPS_PROXY"]
    listing = [f"{n}={mask(v)}" for n, v in sorted(variables.items()) if n != STRATEGY]
    notes = (f"pip's settings are passed on to uv: {', '.join(listing)}",) if listing else ()
    return with_index(Settings(variables, local, notes))


def with_index(config: Settings) -> Settings:
    """The same with the organisation's package index, where nothing nearer says one."""
    setting, name = organisation.settings().get("index"), "UV_DEFAULT_INDEX"
    if setting is None or is_set(name) or name in {**config.variables, **config.local}:
        return config
    notes = (*config.notes, organisation.description(setting))
    return Settings({**config.variables, name: setting.value}, config.local, notes)


def is_set(name: str) -> bool:
    """Whether the environment says it, under this name or another."""
    return any(os.environ.get(variable) for variable in (name, *ALIASES.get(name, ())))


def pip_settings() -> dict[str, str]:
    """pip's configuration by option; files, environment and precedence are pip's own business."""
    result = process.run([sys.executable, "-m", "pip", "config", "list"], ok=range(256))
    if result.code:
        return variables_of_pip()
    lines = re.findall(r"^([:\w]+)\.([\w-]+)='(.*)'$", result.out, re.MULTILINE)
    order = ["global", "install", ":env:"]
    rows = sorted((order.index(part), key, value) for part, key, value in lines if part in order)
    return {key: value.replace("\\n", " ") for _, key, value in rows}


def variables_of_pip() -> dict[str, str]:
    """PIP_INDEX_URL and its like, for an environment that has no pip."""
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and value
    }


def split_sources(value: str) -> tuple[str, str]:
    """Package sources that are folders of this machine, and those that are not."""
    here = [s for s in value.split() if s.startswith("file:") or "://" not in s]
    there = [s for s in value.split() if s not in here]
    return " ".join(here), " ".join(there)


def mask(value: str) -> str:
    """The value without passwords."""
    return re.sub(r"//[^/@\s]+@", "//***@", value)


def install(project: Path, *, lock_only: bool = False) -> tuple[str, ...]:
    """Lock and install the factory's packages; returns what people should know.

    Folders of this machine serve as sources only when it cannot be done without them.
    """
    check_own(project)
    with nullcontext() if lock_only else unfinished(project):
        return installed(project, lock_only=lock_only)


@contextmanager
def unfinished(project: Path) -> Iterator[None]:
    """Mark an environment while packages are installed into it. One in which that was killed is
    made anew: uv looks at what a package says of itself, and not whether its files are there."""
    folder = project / ".venv"
    mark = folder / UNFINISHED
    if mark.exists():
        clear(project)
    if folder.is_dir():
        mark.touch()
    try:
        yield
    except MlfactoryError:
        mark.unlink(missing_ok=True)  # uv has ended by itself
        raise
    mark.unlink(missing_ok=True)


def is_committed(project: Path) -> bool:
    """Whether the environment came with the repository, and was not made on this machine."""
    tracked = git.run("ls-files", "-z", "--", ".venv", cwd=project, ok=(0, 128), passive=True)
    return bool(tracked.out)


def check_own(project: Path) -> None:
    """Raises MlfactoryError for an environment whose programs must not be started unseen."""
    if is_committed(project):
        raise MlfactoryError(COMMITTED.format(project / ".venv"), REMOVE)


def clear(project: Path) -> None:
    """Remove an environment."""
    folder = project / ".venv"
    try:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise MlfactoryError(f"{folder} cannot be removed: {error.strerror}") from error


def installed(project: Path, *, lock_only: bool) -> tuple[str, ...]:
    """The same once an environment that is there can be trusted."""
    pip = pip_settings()
    config = settings(pip)
    verb = "lock" if lock_only else "sync"
    no_index = pip.get("no-index", "").lower() in ("1", "true", "yes", "on")
    if no_index and config.local:
        return install_locally(verb, project, config, "--no-index")
    try:
        make(verb, project, config.variables)
    except MlfactoryError as first:
        if not config.local:
            raise
        try:
            return install_locally(verb, project, config)
        except MlfactoryError:
            raise first from None
    return config.notes


def install_locally(verb: str, project: Path, config: Settings, *options: str) -> tuple[str, ...]:
    """The same with folders of this machine as sources, and a warning of what that means."""
    make(verb, project, {**config.variables, **config.local}, *options)
    folders = sorted(set(" ".join(v for n, v in config.local.items() if n != STRATEGY).split()))
    return (*config.notes, LOCAL_WARNING.format(", ".join(folders)))


def make(verb: str, project: Path, variables: Mapping[str, str], *options: str) -> None:
    """Make uv.lock where it is missing or out of date; `sync` also an environment to agree."""
    where = (*python_for(project), "--directory", str(project))
    call([verb, *where, *options], variables)


def call(argv: list[str], variables: Mapping[str, str]) -> process.Result:
    """Start uv; an environment that happens to be active must not be taken for the factory's."""
    env = {**variables, **NEUTRAL}
    hint = (
        "the last lines say what uv lacks; behind a firewall, give pip's index settings to uv too"
    )
    return process.run([program(), *argv], env=env, timeout=1800, hint=hint)


def python_for(project: Path) -> tuple[str, ...]:
    """Our own Python, where the project admits it; of another one uv knows where it is."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    file, here = project / "pyproject.toml", ".".join(map(str, sys.version_info[:3]))
    text = file.read_text("utf-8", errors="replace") if file.is_file() else ""
    range_ = str(answers.table(text, "project").get("requires-python", ""))
    try:
        return ("--python", base_python()) if here in SpecifierSet(range_) else ()
    except InvalidSpecifier:
        return ("--python", base_python())


def base_python() -> str:
    """The interpreter under the environment that mlfactory runs in."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)
