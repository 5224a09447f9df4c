"""What copier raises, in our words: what a template is guilty of, and what the caller."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from mlfactory.base.errors import (
    MlfactoryError,
    OpenQuestionError,
    RefusedAnswerError,
    UsageError,
)
from mlfactory.base.owner import check_owner
from mlfactory.template.choice import Template

from .worker import environment

TRUST = "Rendering would run it. If you trust it, add --trust."
# A path in the folder where copier puts a template, as errors write it.
CLONE = re.compile(
    r"(?:PosixPath\()?['\"]?/\S*?/copier\._vcs\.clone\.[^/\s]+/([^\s'\",)]+)['\"]?\)?"
)
# The steps of copier at which a setting of copier.yml is read or used.
SETTINGS = {
    "match_exclude": "_exclude", "match_skip": "_skip_if_exists", "_execute_tasks": "_tasks",
    "commands": "_tasks", "migration_tasks": "_migrations", "_external_data": "_external_data",
    "subdirectory": "_subdirectory", "envops": "_envops", "answers_relpath": "_answers_file",
    "data_of": "_external_data", "config_data": "copier.yml", "load_template_config": "copier.yml",
}  # fmt: skip
ASKING = {"_ask": "var_name", "question": "name"}  # steps for one question, and what has its name
# What a template can make copier stumble over.
FAULTS = (ValueError, TypeError, OSError, ArithmeticError)


@contextmanager
def copier_at_work(which: Template) -> Iterator[None]:
    """Let git find the installed template, and turn what copier raises into our errors."""
    with environment(which.source), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import yaml
        from copier import errors
        from jinja2 import TemplateError
        from plumbum import ProcessExecutionError

        try:
            yield
        except errors.CopierAnswersInterrupt as error:
            raise KeyboardInterrupt from error
        except errors.UnsafeTemplateError as error:
            first = str(error).splitlines()[0]
            raise MlfactoryError(first, TRUST) from error
        except ProcessExecutionError as error:
            raise git_failed(which, str(error.stderr)) from error
        except (errors.CopierError, TemplateError, yaml.YAMLError, *FAULTS) as error:
            raise copier_failed(which, error) from error
        except (MemoryError, RecursionError) as error:
            raise without_end(error) from error
        except (AttributeError, LookupError) as error:
            if not is_of_copier(error):
                raise
            raise copier_failed(which, error) from error


def without_end(error: Exception) -> MlfactoryError:
    """What is said of an expression that asks for more than any machine has."""
    is_deep = isinstance(error, RecursionError)
    what = "it calls itself without end" if is_deep else "it wants more memory than there is"
    hint = "Look at the template; nothing was written."
    return MlfactoryError(f"the template cannot be rendered: {what}", hint)


def git_failed(which: Template, stderr: str) -> MlfactoryError:
    """An address that cannot be read, or a ref that is not there."""
    check_owner(stderr)
    lines = [line for line in stderr.strip().splitlines() if line.strip()] or ["git failed"]
    if "invalid reference" in stderr or "unknown revision" in stderr:
        return unknown_ref(which)
    return MlfactoryError(
        f"the template {which.source} cannot be read: {lines[-1]}",
        f"Try `git ls-remote {which.source.removeprefix('git+')}`.",
    )


def copier_failed(which: Template, error: Exception) -> MlfactoryError:
    """A refused answer is a matter of usage; the rest is the template's fault."""
    text = str(error)
    if text.startswith(("Validation error for question", "Invalid choice for")):
        hint = "Answer with an option or --set QUESTION=VALUE."
        return RefusedAnswerError(text.rstrip("."), hint)
    if match := re.fullmatch(r'Question "(\w+)" is required', text):
        problem = f"the template asks {match[1]}, and no default can be right"
        return OpenQuestionError(problem, f"Add --set {match[1]}=VALUE.", match[1])
    if text.startswith("Unknown revision"):
        return unknown_ref(which)
    if text.startswith("Local template must be"):
        return MlfactoryError(f"{which.source} is not a template", "Give a directory or a git URL.")
    text = fault_in_questions(error) or f"{place_of(error)}{reason_of(error)}"
    return MlfactoryError(f"the template cannot be rendered: {text}")


def is_of_copier(error: Exception) -> bool:
    """Whether copier stumbled, over a setting of another kind, and not mlfactory."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__", "").startswith("copier.")


def reason_of(error: Exception) -> str:
    """What is wrong, in one line; pydantic tells a small story."""
    mistakes = getattr(error, "errors", None)
    if callable(mistakes):
        return "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in mistakes())
    text = CLONE.sub(r"\1", str(error))
    if not text or text.startswith(("copier.y", "[copier.y")):  # which says nothing of what
        about = (type(error).__doc__ or type(error).__name__).strip().splitlines()[0]
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        text = CLONE.sub(r"\1", f"{about.rstrip('.')}{cause}")
    return " ".join(text.split())


def place_of(error: BaseException) -> str:
    """Where a template is wrong: the file, the question or the setting that copier was at. It says
    nothing of that itself, but where it was can be read off its frames."""
    name, line = getattr(error, "name", None), getattr(error, "lineno", None)
    if name and line:
        return f"{name}, line {line}: "
    for frame, _ in reversed([*walk_tb(error.__traceback__)]):
        code = frame.f_code
        if code.co_name in SETTINGS:
            return f"{SETTINGS[code.co_name]}: "
        if question := frame.f_locals.get(ASKING.get(code.co_name, "")):
            return f"the question {question}: "
    return ""


def fault_in_questions(error: Exception) -> str:
    """Where a copier.yml is no YAML, and why; empty for other faults. copier names only the file,
    and that in a temporary folder."""
    mark = getattr(error.__cause__, "problem_mark", None)
    if mark is None:
        return ""
    why = getattr(error.__cause__, "problem", "")
    return f"{Path(mark.name).name}, line {mark.line + 1}, column {mark.column + 1}: {why}"


def unknown_ref(which: Template) -> MlfactoryError:
    return UsageError(
        f"the template {which.source} has no {which.ref}", "Give a tag, branch or commit as --ref."
    )
