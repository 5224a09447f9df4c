"""What `mlfactory doctor` says of an organisation's settings, and of the template."""

from __future__ import annotations

from pathlib import Path

from mlfactory.base import answers, git, organisation
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import choice, history, published

from .finding import OK, WARNING, Observation


class TPL001:
    """The template can be read"""

    @staticmethod
    def check(_: Path) -> Observation:
        newest = history.load().newest
        git.run("rev-parse", "--verify", "HEAD", cwd=history.repository())
        address, text = organisation.value("template"), f"template {newest}"
        if not address:
            return Observation(OK, text)
        try:
            tags = published.template(address).tags
        except MlfactoryError as error:
            return Observation(WARNING, error.message, error.hint)
        return Observation(OK, f"{text}; {address} {tags[-1] if tags else 'without a version'}")


class ORG001:
    """What the organisation sets can be used, and comes from one place each"""

    @staticmethod
    def check(_: Path) -> Observation:
        settings = organisation.settings().values()
        texts = [organisation.description(one) for one in settings]
        return Observation(OK, "; ".join(texts) or "nothing is set: mlfactory's own defaults hold")


class ORG002:
    """The factory is as the organisation asks for"""

    @staticmethod
    def check(folder: Path) -> Observation:
        record = answers.read(folder / answers.FILE)
        faults = list(organisation.misnomers(record))
        if faults:
            remedy = "mlfactory update --set QUESTION=VALUE     # look first: --dry-run"
            return Observation(WARNING, "; ".join(faults), remedy)
        address = organisation.value("template")
        source = record.get("_src_path")
        if address and choice.template_source(address) != source:
            text = f"it follows {source}, and the organisation's template is {address}"
            return Observation(WARNING, text, f"mlfactory template use {address}")
        return Observation(OK, "names and template are what it asks for")
