"""The `factory` program: its help comes from a file, at once; for all else it is imported."""

import sys

HELP = f"{__file__.removesuffix('__init__.py')}help.txt"


def main() -> None:
    """Run the program."""
    if sys.argv[1:] == ["--help"]:
        with open(HELP, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a tenth of it all
            sys.stdout.write(file.read())
        return
    try:
        from .commands import run
    except EOFError as error:
        from .failures import explain

        failure = explain(error)
        sys.exit(f"error: {failure.message}\nhint: {failure.hint}" if failure else str(error))
    run()


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .commands import app

    return app
