"""`wan-mcp simulate`: DashScope on your desk, and the lines that lead wan-mcp there."""

import socket
import sys
from pathlib import Path

import anyio
import pytest

from tests.commands import Person, environment, interrupted, run

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_it_says_how_to_be_reached_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    """The printed lines are pasted into a shell, or into a host's configuration."""
    env = environment("http://127.0.0.1:1", tmp_path)
    ended = await interrupted("simulate", "--port", "0", "--fast", env=env, when=lambda told: "Ctrl-C" in told)

    assert ended.code == 0
    assert ended.stderr == ""
    assert "  export DASHSCOPE_API_KEY=sk-simulated\n" in ended.stdout
    assert "  export DASHSCOPE_HTTP_BASE_URL=http://127.0.0.1:" in ended.stdout


async def test_its_lines_lead_a_command_there(tmp_path: Path) -> None:
    """The whole way of somebody who tries wan-mcp without a key."""
    words = ["simulate", "--port", "0", "--run-time", "0.1", "--speed", "100"]
    with anyio.fail_after(30):
        async with await anyio.open_process([sys.executable, "-m", "wan_mcp", *words], stderr=None) as process:
            assert process.stdout is not None
            told = b""
            while b"Ctrl-C" not in told:
                told += await process.stdout.receive()
            lines = [line.removeprefix("  export ") for line in told.decode().splitlines() if "export " in line]
            variables = dict(line.split("=", 1) for line in lines)
            person = Person(environment("", tmp_path) | variables)
            made = await person.types("create", "a cat", "--size", "832*480")
            process.terminate()

    assert made.exit_code == 0, made.output
    assert "SUCCEEDED" in made.stdout


def test_a_port_that_is_taken_is_told() -> None:
    """Most likely by another simulator."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("simulate", "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 1
    assert "Another --port may be free." in result.stderr
