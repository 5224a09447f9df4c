"""Jinja for the pages and records that people read."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
    select_autoescape,
)
from markupsafe import Markup, escape

from .. import languages
from ..errors import FactoryError
from ..learn.groups import is_sensitive
from ..project import TEMPLATES as OWN
from ..project import Project
from ..visible import visible
from .words import interval, number, percent

PREFIX = "mlfactory"
TEMPLATES = Path(__file__).parents[1] / "templates"


def render(project: Project, name: str, content: Mapping[str, Any]) -> str:
    """A page, by the factory's own template if it has one; FactoryError for what is wrong there."""
    own = project.root / OWN
    try:
        return environment(name, own).get_template(name).render(content)
    except TemplateSyntaxError as error:
        where = f"{project.relative(Path(error.filename or name))}, line {error.lineno}"
        raise FactoryError(f"{where}: {error.message}", "mend that line") from error
    except Exception as error:
        trace = [frame for frame in extract_tb(error.__traceback__) if str(own) in frame.filename]
        if not trace:
            raise
        where = f"{project.relative(Path(trace[-1].filename))}, line {trace[-1].lineno}"
        raise FactoryError(f"{where}: {error}", "mend that line") from error


def environment(name: str, own: Path | None = None) -> Environment:
    """Jinja that escapes every value as the kind of file demands.

    The library's own page of a name is at hand as mlfactory/NAME, too.
    """
    library = FileSystemLoader(TEMPLATES)
    first = [FileSystemLoader(own)] if own else []
    jinja = Environment(
        loader=ChoiceLoader([*first, library, PrefixLoader({PREFIX: library})]),
        autoescape=select_autoescape(["html"]),
        finalize=markdown if name.endswith(".md") else clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= {"number": number, "interval": interval, "percent": percent}
    jinja.filters |= {"day": languages.day, "moment": moment, "local": languages.of_record}
    write = _in_markdown if name.endswith(".md") else _in_html
    jinja.globals |= {"is_sensitive": is_sensitive, "say": write, "form": languages.form}
    jinja.globals |= {"language": languages.language().code}
    return jinja


def moment(text: str) -> str:
    """A moment of ISO 8601 to the second, as the language writes it; the day alone at midnight."""
    return languages.day(text[:19].removesuffix("T00:00:00").replace("T", " "))


class Ready(str):
    """Markdown that is to be written as it is."""

    __slots__ = ()


def _in_html(text: str, /, **values: Any) -> Markup:
    """A text of the library in the language, with its own HTML; values are escaped."""
    safe = {name: _number_or(escape, value) for name, value in values.items()}
    return Markup(languages.say(text, **safe))  # noqa: S704 - the text is the library's


def _in_markdown(text: str, /, **values: Any) -> Ready:
    """A text of the library in the language, with its own Markdown; values are escaped."""
    safe = {name: _number_or(markdown, value) for name, value in values.items()}
    return Ready(languages.say(text, **safe))


def _number_or(write: Callable[[Any], Any], value: Any) -> Any:
    return value if isinstance(value, int | float) else write(value)


def clean(value: Any) -> Any:
    """A value as it is, but for characters that steer what shows it."""
    if isinstance(value, Markup):
        return Markup(visible(value))  # noqa: S704 - it was one
    return visible(value) if isinstance(value, str) else value


def markdown(value: Any) -> str:
    """Text on one line in which nothing is taken for Markdown or HTML, in or out of a table."""
    if isinstance(value, Ready):
        return value
    text = visible(re.sub(r"\s+", " ", "" if value is None else str(value)))
    text = re.sub(r"[\\`*~|$\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    return text.replace("&", "&amp;").replace("<", "&lt;")
