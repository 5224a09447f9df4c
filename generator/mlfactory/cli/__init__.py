"""The command line: parse, one call, show. What goes wrong ends in `main`."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys

from mlfactory.base import errors
from mlfactory.base.credentials import mask

DEBUG = "MLFACTORY_DEBUG"
ROOM = "Free some space and try again."
ACCESS = "Look at whose it is, and what you may do there: ls -ld; or work where you may write."
HINTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), ACCESS),
}
REPORT = "This is a bug in mlfactory: please report it."


def main() -> int:
    """Run the program and return its exit code.

    It is short and imports much: looking for garbage, last of all at the very end, finds little
    and was a fifth of the time of `--help` and a sixth of `new --no-setup`.
    """
    begin_in_utf8()
    gc.disable()
    signal.signal(signal.SIGTERM, stop)
    code = guarded()
    gc.freeze()
    return code


def begin_in_utf8() -> None:
    """Begin anew where the locale has another encoding: git, YAML and JSON are in UTF-8 anyway, and
    a name with an umlaut cannot be handed over in ASCII. What is started from here has it, too."""
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode:
        return
    environment = {**os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]], environment)  # noqa: S606


def stop(*_: object) -> None:
    """End like Ctrl-C does, so that nothing half-done is left behind."""
    raise KeyboardInterrupt


def guarded() -> int:
    """Run the program; every error ends here."""
    try:
        from .program import program_for

        result = program_for(sys.argv[1:])(standalone_mode=False)
    except errors.MlfactoryError as error:
        return fail(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return fail("interrupted", "", errors.INTERRUPTED)
    except BrokenPipeError:
        return silence()
    except OSError as error:
        return refused(error) if hint_of(error) else report(error)
    except Exception as error:
        return report(error)
    if result == errors.INTERRUPTED:
        return fail("interrupted", "", errors.INTERRUPTED)
    return result if isinstance(result, int) else errors.OK


def fail(message: str, hint: str, code: int) -> int:
    """Say why; who wants JSON gets that, too."""
    from . import console

    if os.environ.get(DEBUG):
        show_traceback()
    show_reason(message, hint)
    console.show_error(message, hint)
    return code


def show_reason(message: str, hint: str) -> None:
    """One object on stdout, for programs that called with --json."""
    from . import console

    if "--json" in sys.argv:
        console.show_json({"error": message, "hint": hint})


def hint_of(error: OSError) -> str:
    """What to do where the system lets nobody write, or read; nothing for a mistake of ours. Of its
    temporary files, Python says it in words."""
    is_tight = "No usable temporary directory" in str(error)
    return ROOM if is_tight else HINTS.get(error.errno or 0, "")


def refused(error: OSError) -> int:
    place = f"{error.filename}: " if error.filename else ""
    return fail(f"{place}{error.strerror}", hint_of(error), errors.ERROR)


def report(error: Exception) -> int:
    """typer's own errors tell how to call the program; others are ours to mend."""
    from mlfactory_runtime.compiled import cut_off, remove_cut_off
    from typer import Abort

    if path := cut_off(error):
        text = f"{path} was cut off, as a full disk does, and is removed"
        remove_cut_off(path)
        return fail(text, "See that there is room, and try again.", errors.ERROR)
    if isinstance(error, Abort):
        return fail("interrupted", "", errors.INTERRUPTED)
    show = getattr(error, "show", None)
    if callable(show):
        usage = io.StringIO()
        show(usage)
        context = getattr(error, "ctx", None)
        show_reason(text_of(error), f"{context.command_path if context else 'mlfactory'} -h")
        sys.stderr.write(mask(usage.getvalue()))
        return int(getattr(error, "exit_code", errors.USAGE))
    hint = f"{REPORT}\nThe traceback comes with {DEBUG}=1."
    return fail(f"{type(error).__name__}: {error}", hint, errors.ERROR)


def text_of(error: Exception) -> str:
    """What is wrong with a call, as typer says it below the usage."""
    message = getattr(error, "format_message", None)
    return mask(str(message() if callable(message) else error))


def show_traceback() -> None:
    import traceback

    sys.stderr.write(mask(traceback.format_exc()))


def silence() -> int:
    """Whoever read our output is gone; keep the interpreter from complaining at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return errors.ERROR
