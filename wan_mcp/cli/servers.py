"""The commands that serve: MCP for clients, tokens for those who may call, and a DashScope of one's own."""

import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from wan_mcp.cli import pages
from wan_mcp.cli.program import Command, json_option
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.language import say

if TYPE_CHECKING:  # the HTTP server is imported when it is asked for
    from wan_mcp.server.door import Transport


@click.command(cls=Command)
@click.option(
    "--transport", type=click.Choice(["stdio", "streamable-http", "sse"]), default="stdio", show_default=True,
    help="How clients reach it.",
)  # fmt: skip
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Another than this machine's wants tokens.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, metavar="PORT", help="0 takes a free one."
)
@click.option("--public-url", metavar="URL", help="Under which a proxy passes clients on to it.")
@json_option("Over HTTP: print the address as JSON, on one line, once it is served.")
@click.pass_obj
def serve(terminal: Terminal, *, transport: str, host: str, port: int, public_url: str | None) -> None:
    """Serve MCP; without options the same as no command at all.

    Over HTTP only for this machine, unless WAN_MCP_TOKENS_FILE or WAN_MCP_OAUTH_ISSUER say who may call.
    """
    if transport == "stdio":
        from wan_mcp.cli import serve as serve_stdio

        if terminal.as_json:
            raise click.UsageError(say("--json is for HTTP: over stdio, stdout carries MCP and nothing else."))
        context = click.get_current_context()
        for name in ("host", "port", "public_url"):
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                option = "--" + name.replace("_", "-")
                words = say(
                    "{option} is for HTTP: give --transport streamable-http too, or leave it out.", option=option
                )
                raise click.UsageError(words)
        return serve_stdio()
    from wan_mcp.server.door import Door
    from wan_mcp.server.http import serve_http
    from wan_mcp.settings import Settings

    def on_ready(url: str) -> None:
        if terminal.as_json:
            terminal.data({"url": url, "transport": over}, on_one_line=True)

    over: Transport = "sse" if transport == "sse" else "streamable-http"
    door = Door(transport=over, host=host, port=port, public_url=public_url)
    return serve_http(door, Settings.read(), on_ready=on_ready)


@click.command(cls=Command)
@click.argument("name")
@json_option("Print the token and its entry as JSON.")
@click.pass_obj
def token(terminal: Terminal, name: str) -> None:
    """Make a token for somebody who calls over HTTP.

    The token is shown once, and its entry for WAN_MCP_TOKENS_FILE is printed, which holds only its hash:
    wan-mcp token alice >> tokens.toml

    budget_per_day = "20", budget_per_task = "5", adopt = true and metrics = true may be added to an entry.
    """
    from wan_mcp.adapters.tokens import new_token, token_entry

    made = new_token()
    entry = token_entry(name, made)
    if terminal.as_json:
        terminal.data({"name": name, "token": made, "entry": entry})
        return
    terminal.say(say("The token of {name}, shown only now; it is sent as “Authorization: Bearer …”:", name=name))
    terminal.say(f"\n  {made}\n")
    click.echo(entry)


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, metavar="PORT", help="0 takes a free one."
)
@click.option(
    "--run-time", type=click.FloatRange(min=0), metavar="SECONDS", help="Render for so long.  [default: 60-300]"
)
@click.option("--fast", is_flag=True, help="Be done about 10 seconds after the submission.")
@click.option(
    "--speed", type=click.FloatRange(min=0, min_open=True), default=1, show_default=True, metavar="FACTOR",
    help="Of its clock.",
)  # fmt: skip
@json_option("Print the address and the environment as JSON, on one line, once it listens.")
@click.pass_obj
def simulate(terminal: Terminal, *, host: str, port: int, run_time: float | None, fast: bool, speed: float) -> None:
    """Run a DashScope of your own.

    The same API, real video files, nothing to pay; its prices, limits and errors are simulated faithfully.
    Ctrl-C ends it; its tasks are gone then.
    """
    from wan_mcp.simulator import Simulator, serve_forever

    if fast:
        delay, run_time = 1.0, 8.0 if run_time is None else run_time
    else:
        delay = 8.0
    simulator = Simulator(run_delay=delay, run_time=run_time, speed=speed)

    def on_ready(url: str) -> None:
        if terminal.as_json:
            terminal.data({"url": url, "note": simulator.note, "env": _leading_to(url)}, on_one_line=True)
            return
        note = pages.note_words(simulator.note)
        name = "set " if sys.platform == "win32" else "export "
        words = say("DashScope is simulated at {url}; {note}. Point wan-mcp at it:", url=url, note=note)
        terminal.line(f"{words}\n")
        for variable, value in _leading_to(url).items():
            terminal.line(f"  {name}{variable}={value}")
        terminal.line("\n" + say("Ctrl-C ends it."), style="dim")

    try:
        serve_forever(simulator, host=host, port=port, on_ready=on_ready)
    except OSError as error:
        raise click.ClickException(
            say(
                "{host} port {port}: {reason}. Another --port may be free.",
                host=host,
                port=port,
                reason=error.strerror or error,
            )
        ) from error


def _leading_to(url: str) -> dict[str, str]:
    return {"DASHSCOPE_API_KEY": "sk-simulated", "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1"}
