"""The command line: it finds the command and runs it. What a command does stands in `derive.commands`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from derive import commands
from derive.commands.output import OutputError, flushed, open_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    open_streams()
    try:
        try:
            return _run(arguments)
        finally:
            with flushed():
                """What is still waiting to be written."""
    except OutputError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as in `derive check x.md | head`
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derive",
        description="Checks hand-derived gradients line by line: proved for every size or refuted by a counterexample.",
        epilog="Start with: derive check notes.md",
    )
    parser.add_argument("-V", "--version", action=_Version)
    found = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in commands.ALL:
        command.add(found)
    return parser


class _Parser(argparse.ArgumentParser):
    """Answers a command or an option that does not exist with the nearest one."""

    def error(self, message: str) -> NoReturn:
        super().error(message + self._suggestion(message))

    def _suggestion(self, message: str) -> str:
        found = re.search(r"invalid choice: '(?P<choice>[^']+)'|unrecognized arguments: (?P<option>-\S+)", message)
        if found is None or "maybe you meant" in message:  # which newer Pythons say themselves
            return ""
        if found["choice"] and message.startswith("argument COMMAND") and os.path.lexists(found["choice"]):
            return f"\nto check a document: derive check {found['choice']}"
        import difflib

        word = found["choice"] or found["option"].split("=")[0]
        nearest = difflib.get_close_matches(word, set(_words(self)), n=1)
        return f"\ndid you mean {nearest[0]}?" if nearest else ""


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All that may be written literally: commands, options and their values."""
    for action in parser._actions:
        yield from action.option_strings
        yield from map(str, action.choices or ())
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                yield from _words(command)


class _Version(argparse.Action):
    """``--version``, read when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"derive {commands.version()}")
        parser.exit()
