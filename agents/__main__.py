"""The command line: one file a command, and only the one that is called is imported.

Exit codes: 0 fine, 1 something was found wrong, 2 the call or its settings are off. Whatever Listwire raises on
purpose is one line on stderr that names the culprit; a traceback is a bug of ours.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import typer

import agents
import streams
from streams.errors import DataFileError, ListwireError, SettingsError

COMMANDS = (
    "up",
    "worker",
    "poll",
    "web",
    "scan",
    "replay",
    "tail",
    "status",
    "due",
    "ledger",
    "alerts",
    "registry",
    "feeds",
    "deadletters",
    "topics",
    "backup",
    "restore",
    "settings",
    "doctor",
)


def build(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The application with the commands named."""
    app = typer.Typer(
        name="listwire",
        help="Watches wire-service feeds and alerts when an authority changes the status of a designated group.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name in names:
        import_module(f"agents.cli.{name}").register(app)
    return app


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"listwire {version('listwire')}")
        raise typer.Exit


def _root(
    _version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
        is_eager=True,
        callback=_print_version,
    ),
) -> None:
    """Watches wire-service feeds and alerts when an authority changes the status of a designated group."""


def main() -> None:
    """Run the command of `sys.argv`."""
    called = next((arg for arg in sys.argv[1:] if not arg.startswith("-")), None)
    try:
        _refuse_strangers()
        app = build((called,) if called in COMMANDS else COMMANDS)
        app()
    except ListwireError as error:
        sys.stderr.write(f"listwire: {' '.join(str(error).split())}\n")
        sys.exit(2 if isinstance(error, SettingsError | DataFileError) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _refuse_strangers() -> None:
    """`streams` and `agents` are common names: another package of that name in the environment would be imported."""
    home = Path(__file__).resolve().parent.parent
    for package in (agents, streams):
        where = Path(package.__file__ or "?").resolve()
        if where.parent.parent != home:
            raise SettingsError(
                f"the package {package.__name__!r} found at {where} is not Listwire's: "
                "install Listwire into an environment of its own"
            )


if __name__ == "__main__":
    main()
