"""Processes forked from one that has everything imported: hundreds can live and die within a minute.

The standard library's fork server is that process. It is single-threaded and has no event loop, as the process
of a test with a simulator in it is not, so that its forks are sound.
"""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

import anyio

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "tests.conftest", "tests.making", "tests.crashing", "tests.e2e.warm"])
KILLED = -9


def started(work: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a process that does `work`, a function of a module; it does not outlive this one."""
    process = CONTEXT.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


async def until(question: Callable[[], bool], *, within: float, every: float = 0.05) -> None:
    """Wait until the answer is yes."""
    with anyio.fail_after(within):
        while not question():  # noqa: ASYNC110 - other processes set no event of ours
            await anyio.sleep(every)


async def ended(process: ForkServerProcess, *, within: float = 30) -> int:
    """Wait for the end of a process and return its exit code."""
    await until(lambda: process.exitcode is not None, within=within, every=0.002)
    code = process.exitcode
    assert code is not None
    process.close()
    return code


async def killed(process: ForkServerProcess) -> int:
    """`kill -9`; return the exit code, which tells whether it lived until then."""
    process.kill()
    return await ended(process)


def all_ended(work: Callable[..., None], arguments: list[tuple[Any, ...]], *, within: float = 120) -> list[int | None]:
    """Let one process for each tuple of arguments begin at one moment; return their exit codes."""
    gate = CONTEXT.Barrier(len(arguments))
    processes = [started(_after, gate, work, *each) for each in arguments]
    deadline = time.monotonic() + within
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
        process.join()
        process.close()
    return codes


def _after(gate: Any, work: Callable[..., None], *arguments: object) -> None:
    gate.wait(60)
    work(*arguments)
