"""The shape of the command line: the order of its commands, the help on the environment, errors in words."""

from collections.abc import Callable
from typing import Any

import click

from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import WanError

INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended."""

_AS_NEWCOMERS_MEET_THEM = (
    "demo",
    "install",
    "doctor",
    "estimate",
    "create",
    "show",
    "tasks",
    "cancel",
    "settle",
    "serve",
    "token",
    "simulate",
)


class Program(click.Group):
    """A group of commands whose errors have the words of every other door."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which a newcomer meets them."""
        return sorted(super().list_commands(ctx), key=_AS_NEWCOMERS_MEET_THEM.index)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it could not do is told on stderr, and the exit code is 1."""
        terminal = ctx.obj = ctx.obj or Terminal.here()
        try:
            return super().invoke(ctx)
        except WanError as error:
            terminal.tell_error(error)
            raise click.exceptions.Exit(1) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the environment variables, as `Settings` describes them."""
        from wan_mcp.settings import Settings  # for readers of the help only

        fields = Settings.model_fields.values()
        with formatter.section("Environment"):
            formatter.write_dl([(field.alias or "", field.description or "") for field in fields])


def _chosen(ctx: click.Context, _parameter: click.Parameter, is_chosen: bool) -> None:
    terminal: Terminal = ctx.obj
    terminal.as_json = is_chosen


def json_option(
    text: str = "Print the structured content of the MCP tools, and nothing else, on stdout.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--json`: the terminal shows data instead of words."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_chosen, help=text)
