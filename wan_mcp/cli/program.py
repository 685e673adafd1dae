"""The shape of the command line: the order of its commands, the help on the environment, errors in words."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import click

from wan_mcp.cli.helping import Formatter, tidy
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import WanError
from wan_mcp.domain.language import later

INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended."""
GOES_ON = 3
"""Held or paid for, and its end or its file is still to come: a script must not create it again."""

GROUPS = (
    ("First", ("demo", "install", "doctor")),
    ("Videos", ("create", "film", "retake", "show", "preview", "tasks", "cancel", "settle")),
    ("Money", ("estimate", "usage")),
    ("Servers", ("serve", "token", "simulate")),
)
"""As newcomers meet them."""
_WITHOUT_MONEY = frozenset({"install", "doctor", "serve", "token", "simulate"})
"""Nobody thinks of money there, and that none moved would only make them think."""
_LONGEST = max(len(name) for _, names in GROUPS for name in names)

EXAMPLES = (
    ('wan-mcp create "a paper boat in the rain"', "price first, file last"),
    ("wan-mcp tasks --watch", "how all are doing"),
    ("wan-mcp usage --days 30", "what each day has cost"),
)

EXIT_CODES = (
    ("0", "Done."),
    ("1", "Not done: refused, declined, over budget or failed. The text says whether money moved."),
    ("2", "The command could not be read."),
    (f"{GOES_ON}", "The task goes on, held or paid for. Do not create it again: `wan-mcp show` fetches it."),
    (f"{INTERRUPTED}", "Ctrl-C. What was submitted goes on."),
)


class Amount(click.types.FloatParamType):
    """An amount of money, in the region's currency; a programmer's word for a number helps nobody."""

    name = later("number")


class _Context(click.Context):
    formatter_class = Formatter


class Command(click.Command):
    """A command whose help has the words of every other door."""

    context_class = _Context


class Program(click.Group):
    """A group of commands whose errors and help have the words of every other door."""

    context_class = _Context
    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which a newcomer meets them."""
        return sorted(super().list_commands(ctx), key=[name for _, names in GROUPS for name in names].index)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in groups."""
        for title, names in GROUPS:
            commands = [(f"{name:<{_LONGEST}}", self.commands[name].get_short_help_str(limit=70)) for name in names]
            with formatter.section(title):
                formatter.write_dl(commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command. Whether `--json` follows counts from here on, for errors too."""
        terminal = ctx.obj = ctx.obj or Terminal.here()
        terminal.as_json = "--json" in takewhile(lambda word: word != "--", args)
        with _told(terminal, ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it could not do is told on stderr, and the exit code is 1."""
        with _told(ctx.obj, ctx):
            return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what to type first, what a script learns, and the environment as `Settings` describes it."""
        from wan_mcp.settings import Settings  # for readers of the help only

        fields = Settings.model_fields.values()
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES, col_max=45)
        with formatter.section("Exit codes"):
            formatter.write_dl(EXIT_CODES)
        with formatter.section("Environment"):
            formatter.write_dl([(field.alias or "", field.description or "") for field in fields])


@contextmanager
def _told(terminal: Terminal, ctx: click.Context) -> Generator[None]:
    """Turn errors into words and exit codes, and into data where that is asked for."""
    try:
        yield
    except WanError as error:
        terminal.tell_error(error, is_about_money=ctx.invoked_subcommand not in _WITHOUT_MONEY)
        raise click.exceptions.Exit(1) from error
    except click.ClickException as error:
        if not terminal.as_json:
            raise  # click shows it, with the usage
        told = {"code": type(error).__name__, "message": tidy(error.format_message()), "money_moved": "no"}
        terminal.data({"error": told})
        error.show()
        raise click.exceptions.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def _chosen(ctx: click.Context, _parameter: click.Parameter, is_chosen: bool) -> None:
    terminal: Terminal = ctx.obj
    terminal.as_json = is_chosen


def json_option(
    text: str = "Print the structured content of the MCP tools, and nothing else, on stdout.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--json`: the terminal shows data instead of words."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_chosen, help=text)
