"""`wan-mcp simulate`: DashScope on your desk, and the lines that lead wan-mcp there."""

import signal
import socket
import sys
from pathlib import Path

import anyio
import pytest

from tests.commands import Person, environment, run

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_its_lines_lead_a_command_there_until_ctrl_c(tmp_path: Path) -> None:
    """The whole way of somebody who tries wan-mcp without a key: they are pasted into a shell, or a host's settings."""
    words = ["simulate", "--port", "0", "--run-time", "0.1", "--speed", "100"]
    with anyio.fail_after(30):
        async with await anyio.open_process([sys.executable, "-m", "wan_mcp", *words]) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            told = b""
            while b"Ctrl-C" not in told:
                told += await process.stdout.receive()
            lines = [line.removeprefix("  export ") for line in told.decode().splitlines() if "  export " in line]
            variables = dict(line.split("=", 1) for line in lines)
            person = Person(environment("", tmp_path) | variables)
            made = await person.types("create", "a cat", "--size", "832*480")
            process.send_signal(signal.SIGINT)
            code = await process.wait()
            log = b"".join([chunk async for chunk in process.stderr])

    assert variables["DASHSCOPE_API_KEY"] == "sk-simulated"
    assert variables["DASHSCOPE_HTTP_BASE_URL"].startswith("http://127.0.0.1:")
    assert made.exit_code == 0, made.output
    assert "SUCCEEDED" in made.stdout
    assert (code, log) == (0, b"")


def test_a_port_that_is_taken_is_told() -> None:
    """Most likely by another simulator."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("simulate", "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 1
    assert "Another --port may be free." in result.stderr
