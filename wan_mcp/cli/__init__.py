"""`wan-mcp`: without a word it serves MCP over stdio; the other commands are for people in a terminal.

A host waits for the server's first answer, so this file imports nothing that serving does not need before it:
no settings, no service, no rich. `commands` holds everything else.
"""

import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wan_mcp.cli import ctrl_c

if TYPE_CHECKING:  # the import is what is to be put off
    from wan_mcp.service.videos import Videos

__all__ = ["main", "serve"]


def main() -> None:
    """Run `wan-mcp` with the arguments of this process."""
    ctrl_c.listen()
    try:
        _main()
    except KeyboardInterrupt:  # while it is still being imported: nothing has begun
        sys.exit(130)
    finally:
        ctrl_c.end_listening()


def _main() -> None:
    if sys.argv[1:] in ([], ["serve"]):
        serve()  # as hosts start it: without the time that reading options takes
    else:
        from wan_mcp.domain.language import speak
        from wan_mcp.settings import language

        speak(language())  # before the commands are made: their help is in it
        from wan_mcp.cli.commands import program

        program(prog_name="wan-mcp")


def serve() -> None:
    """Serve MCP over stdin and stdout until they end. Does not return."""
    # Hundreds of pydantic classes are about to be made, and none of them is garbage; `serve_stdio` enables it again.
    gc.disable()
    from wan_mcp.server.transports import log_to_stderr, serve_stdio

    log_to_stderr("WARNING")  # until the settings are read
    if sys.stdin.isatty():
        sys.stderr.write(_to_a_person())
    serve_stdio(_open)


def _to_a_person() -> str:
    """What somebody is told who started it by hand."""
    from wan_mcp.domain.language import say, speak
    from wan_mcp.settings import language

    speak(language())
    return (
        say("wan-mcp serves MCP on stdin and stdout; a host such as Claude Desktop starts it. Ctrl-C ends it.")
        + "\n"
        + say("For a person: wan-mcp --help")
        + "\n"
    )


@asynccontextmanager
async def _open() -> AsyncGenerator["Videos"]:
    """Open the service by the environment's settings, imported now and beside the event loop."""
    import logging
    from importlib import import_module

    import anyio.to_thread

    await anyio.to_thread.run_sync(import_module, "wan_mcp.service.composition")
    from wan_mcp.domain.language import speak
    from wan_mcp.service.composition import open_service
    from wan_mcp.settings import Settings, language

    speak(language())
    settings = Settings.read()
    logging.getLogger().setLevel(settings.log_level)
    async with open_service(settings) as videos:
        yield videos
