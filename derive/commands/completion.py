"""``derive completion``: completion for a shell, made from the commands and options that there are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

from derive.commands.output import write


def add(commands: Any) -> None:
    completion = commands.add_parser(
        "completion",
        help="print completion for a shell",
        description="Print a script that completes derive's commands and options in a shell.",
        epilog="bash: source <(derive completion bash)   zsh: the same, after compinit   "
        "fish: derive completion fish | source",
    )
    completion.add_argument("shell", choices=sorted(_WRITERS), help="whose language to print")
    completion.set_defaults(run=lambda options: _run(options.shell, commands))


def _run(shell: str, commands: Any) -> int:
    write(_WRITERS[shell](list(_read(commands))), None)
    return 0


# -- what there is to complete ---------------------------------------------------------------------------------------


class _Option(NamedTuple):
    """An option: its names, whether a value follows, and the values if they are known."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    values: tuple[str, ...]


class _Command(NamedTuple):
    """A command: its options, and the values of its arguments; files, where they are not known."""

    name: str
    help: str
    options: tuple[_Option, ...]
    values: tuple[str, ...]


def _read(commands: Any) -> Iterator[_Command]:
    """The commands of an argparse tree, whose parts have no public names."""
    helps = {action.dest: action.help or "" for action in commands._choices_actions}
    for name, parser in commands.choices.items():
        actions = parser._actions
        options = tuple(_option(action) for action in actions if action.option_strings)
        values = tuple(value for action in actions if not action.option_strings for value in _values(action))
        yield _Command(name, helps.get(name, ""), options, values)


def _option(action: argparse.Action) -> _Option:
    text = (action.help or "") % {"default": action.default}
    return _Option(tuple(action.option_strings), text, action.nargs != 0, _values(action))


def _values(action: argparse.Action) -> tuple[str, ...]:
    return tuple(map(str, action.choices or ()))


# -- the shells ------------------------------------------------------------------------------------------------------


def _bash(commands: list[_Command]) -> str:
    """Words for the command and its options; where there are none, readline completes file names."""
    names = " ".join(c.name for c in commands)
    values, words = [], []
    for command in commands:
        for option in (o for o in command.options if o.takes_value):
            patterns = "|".join(f'"{command.name} {name}"' for name in option.names)
            values.append(f"        {patterns}) words='{' '.join(option.values)}' ;;")
        flags = " ".join(name for option in command.options for name in option.names)
        words.append(f"            {command.name}) words='{' '.join(command.values)}'; options='{flags}' ;;")
    return f"""\
_derive() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= word words= options=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $word in {names.replace(" ", "|")}) command=$word; break ;; esac
    done
    case "$command $prev" in
{chr(10).join(values)}
        *)
            case $command in
            '') words='{names}'; options='-h --help -V --version' ;;
{chr(10).join(words)}
            esac
            [[ $cur == -* ]] && words=$options ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _derive derive
"""


def _zsh(commands: list[_Command]) -> str:
    described = "\n".join(f"        {_quoted(f'{c.name}:{c.help}')}" for c in commands)
    cases = []
    for command in commands:
        specs = [_zsh_option(option) for option in command.options]
        rest = f"({' '.join(command.values)})" if command.values else "_files"
        specs.append(_quoted(f"*:argument:{rest}"))
        cases.append(f"        {command.name}) _arguments {' '.join(specs)} ;;")
    return f"""\
#compdef derive
_derive() {{
    local state line
    local -a commands=(
{described}
    )
    _arguments -C '(- *)'{{-h,--help}}'[show help]' '(- *)'{{-V,--version}}'[show the version]' '1:command:->command' \
'*::argument:->argument'
    case $state in
    command) _describe command commands ;;
    argument)
        case $words[1] in
{chr(10).join(cases)}
        esac ;;
    esac
}}
if [[ $funcstack[1] == _derive ]]; then _derive "$@"; else compdef _derive derive; fi
"""


def _zsh_option(option: _Option) -> str:
    """An option for ``_arguments``; it may stand several times."""
    text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    what = f"({' '.join(option.values)})" if option.values else "_files"
    value = f":value:{what}" if option.takes_value else ""
    return " ".join(_quoted(f"*{name}[{text}]{value}") for name in option.names)


def _fish(commands: list[_Command]) -> str:
    lines = []
    for command in commands:
        lines.append(
            f"complete -c derive -f -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.help)}"
        )
        inside = f"complete -c derive -n '__fish_seen_subcommand_from {command.name}'"
        if command.values:
            lines.append(f"{inside} -f -a {_fish_quoted(' '.join(command.values))}")
        lines += [f"{inside} {_fish_option(option)}" for option in command.options]
    return "\n".join(lines) + "\n"


def _fish_option(option: _Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = f" -x -a {_fish_quoted(' '.join(option.values))}" if option.values else " -r" if option.takes_value else ""
    return f"{names}{value} -d {_fish_quoted(option.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WRITERS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
