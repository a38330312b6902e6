"""A command group that knows its commands' names and imports a command only when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """Commands by name: where each is (`module:attribute`) and its line in the help."""

    def __init__(self, *, name: str, help: str, table: Mapping[str, tuple[str, str]], **settings: object) -> None:
        super().__init__(name=name, help=help, context_settings=CONTEXT)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the table alone, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest names where there is no such command."""
        name = args[0]
        if name not in self._table and not name.startswith("-"):
            raise click.exceptions.NoSuchCommand(name, possibilities=list(self._table), ctx=ctx)
        return super().resolve_command(ctx, args)
