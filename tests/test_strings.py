"""What is compiled once renders as what is compiled each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier._jinja_ext import SandboxedEnvironment, YieldExtension, get_yield_context
from jinja2 import DictLoader, TemplateError
from mlfactory.render.strings import compile_once

TEXTS = (
    "plain",
    "",
    "a b.txt",
    "{{ name }}.py",
    "{% if name %}{{ name }}{% endif %}",
    "{# none #}x",
    "line\n",
    "line\r\nline",
    "}} %}",
    "{",
)


def environment(**options: str) -> SandboxedEnvironment:
    extensions = [YieldExtension]
    return SandboxedEnvironment(extensions=extensions, keep_trailing_newline=True, **options)


@pytest.mark.parametrize(
    "options", [{}, {"variable_start_string": "[[", "variable_end_string": "]]"}]
)
@pytest.mark.parametrize("text", [*TEXTS, "[[ name ]]"])
def test_each_text_is_rendered_as_ever(text: str, options: dict[str, str]) -> None:
    quick = environment(**options)
    compile_once(quick)
    for name in ("demo", ""):
        output = quick.from_string(text).render(name=name)
        assert output == environment(**options).from_string(text).render(name=name)


def test_a_broken_text_is_an_error_each_time() -> None:
    quick = environment()
    compile_once(quick)
    for _ in range(2):
        with pytest.raises(TemplateError):
            quick.from_string("{% if %}")


def test_what_one_text_yields_is_forgotten_at_the_next() -> None:
    quick = environment()
    compile_once(quick)
    for text in ("{% yield x from xs %}{{ x }}{% endyield %}", "plain", "{{ 1 }}") * 2:
        quick.from_string(text).render(xs=[1, 2])
        letter = "x" if "yield" in text else None
        assert get_yield_context(quick).yield_name == letter


def test_a_file_of_another_content_is_another_file() -> None:
    for text in ("one {{ name }}", "two {{ name }}", "one {{ name }}"):
        quick = environment()
        compile_once(quick)
        quick.loader = DictLoader({"a.txt": text})
        assert quick.get_template("a.txt").render(name="x") == text.replace("{{ name }}", "x")


def test_the_same_file_in_another_folder_is_not_compiled_again(tmp_path: Path) -> None:
    quick = environment()
    compile_once(quick)
    assert quick.bytecode_cache is not None
    cache = quick.bytecode_cache
    first = cache.get_cache_key("a.txt", str(tmp_path / "one/a.txt"))
    assert first == cache.get_cache_key("a.txt", str(tmp_path / "two/a.txt"))
