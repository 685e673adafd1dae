"""The commands, but for films and servers. Each reads its options, does one thing through the service, and shows it.

Options are read by click as far as "a number is a number"; what a video may be is the domain's to say, in the
same words as the tools say it.
"""

import re
from functools import partial
from pathlib import Path
from typing import Any

import click
from anyio.lowlevel import checkpoint

from wan_mcp import __version__
from wan_mcp.cli import pages
from wan_mcp.cli.board import read_newest, watch_tasks
from wan_mcp.cli.film import cancel_film, film, retake, show_film
from wan_mcp.cli.order import agree, end, look_at, look_once, make, read_order
from wan_mcp.cli.preview import preview
from wan_mcp.cli.program import Amount, Program, json_option
from wan_mcp.cli.servers import serve, simulate, token
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.catalogue import WAN25_T2V, Quote, Region
from wan_mcp.domain.errors import Declined, NeedsConsent
from wan_mcp.domain.film import FILM, LISTED_BY
from wan_mcp.domain.language import say
from wan_mcp.domain.request import parse_duration, parse_resolution, parse_size
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import Status
from wan_mcp.service.report import Account, Report
from wan_mcp.service.videos import Videos

_MOST_LISTED = 1000
_MOST_COUNTED = 1000
_CANCELED_BY = 20.0
"""Seconds after which also a task that another process watches has been looked at again."""

_SIZES = "; ".join(f"{tier}: {' '.join(sizes)}" for tier, sizes in WAN25_T2V.sizes.items())
_LENGTHS = " or ".join(str(seconds) for seconds in WAN25_T2V.durations)


@click.group(cls=Program)
@click.version_option(__version__, prog_name="wan-mcp", message="%(prog)s %(version)s")
def program() -> None:
    """Make videos with Alibaba's Wan 2.5 from any MCP client.

    Without a command it serves MCP over stdio, as hosts start it. Try it without a key or a cent: wan-mcp demo
    """


# Videos


@program.command(short_help="Create one video. PAID.")
@click.argument("prompt")
@click.option("--negative-prompt", metavar="TEXT", help=f"What to keep out; at most {WAN25_T2V.negative_prompt_max}.")
@click.option("--size", metavar="W*H", help=f"{_SIZES}.  [default: {WAN25_T2V.default_size}]")
@click.option("--duration", type=int, metavar="SECONDS", help=f"{_LENGTHS}.  [default: {WAN25_T2V.default_duration}]")
@click.option("--seed", type=int, metavar="NUMBER", help="Another seed makes another take.")
@click.option("--audio-url", metavar="URL", help="Own sound track: public .wav or .mp3, 3-30 s, up to 15 MB.")
@click.option("--no-prompt-extend", is_flag=True, help="Take the prompt as it is; DashScope would embellish it.")
@click.option("--watermark", is_flag=True, help="Have the words “AI generated” put into the picture.")
@click.option("--max-cost", type=Amount(), metavar="AMOUNT", help="Agree to pay up to this, and never more.")
@click.option("--yes", is_flag=True, help="Agree to the price unasked; the budget still holds.")
@click.option("--wait", type=click.FloatRange(min=0), metavar="SECONDS", help="Stay so long.  [default: to its end]")
@click.option("--no-wait", is_flag=True, help="Return once it is submitted; `show` fetches it later.")
@json_option()
@click.pass_obj
def create(
    terminal: Terminal, *, yes: bool, wait: float | None, no_wait: bool, no_prompt_extend: bool, **given: Any
) -> None:
    """Create one video with sound from PROMPT. PAID.

    Shows the price first, and asks above WAN_MCP_CONFIRM_ABOVE; then waits until the file is saved. A script is
    kept waiting for 20 minutes at most. Ctrl-C ends the waiting, not the task.

    PROMPT has at most 1500 characters, Chinese or English: subject, scene, motion, camera, style, sound.

    Ends with 0 when the file is saved, 1 when nothing was made, 3 when it goes on: then it is held or paid for,
    and `wan-mcp show` fetches it. With --no-wait 0 says that it was submitted or waits for its turn, and 3 that its
    answer was lost.
    """
    with terminal.stoppable(say("Nothing was sent. No money moved.")) as stop:
        order = visit(partial(read_order, {**given, "prompt_extend": not no_prompt_extend}))
        agreed = agree(order, terminal, is_agreed=yes)
        report = make(order, terminal, stop, agreed=agreed, seconds=0 if no_wait else wait)
    terminal.show(report)
    if report.task.status is Status.UNCERTAIN or not no_wait:
        end(report)


@program.command()
@click.argument("task_id")
@click.option("--wait", type=click.FloatRange(min=0), default=0, metavar="SECONDS", help="Wait for its end and file.")
@json_option()
@click.pass_obj
def show(terminal: Terminal, task_id: str, wait: float) -> None:
    """Show one task, and fetch its video.

    TASK_ID is ours or DashScope's; a task made elsewhere on the account is fetched too. One that is still open is
    looked at once in any case.

    With --wait it ends as `create` does: 0 saved, 1 nothing was made, 3 it goes on.
    """
    if task_id.startswith(FILM):
        if wait:
            raise click.UsageError(say("`wan-mcp film {id}` waits for a film.", id=task_id))
        show_film(terminal, task_id)
        return
    report = visit(lambda videos: videos.get(task_id))
    task = report.task
    if not task.is_settled:
        # Where no server runs, the ledger alone would go on saying PENDING for ever.
        report = look_at(task.id, terminal, seconds=wait) if wait else visit(partial(look_once, task_id=task.id))
    terminal.show(report)
    if wait:
        end(report)


@program.command()
@click.option("--status", metavar="WORD", help=f"Only these: {', '.join(LISTED_BY)}.")
@click.option(
    "--limit", type=click.IntRange(1, _MOST_LISTED), default=10, show_default=True, metavar="COUNT",
    help="How many.",
)  # fmt: skip
@click.option("--watch", is_flag=True, help="Keep it up to date, and fetch what gets finished, until Ctrl-C.")
@json_option()
@click.pass_obj
def tasks(terminal: Terminal, status: str | None, limit: int, watch: bool) -> None:
    """List the tasks, and what is left today.

    Newest first, as the ledger has them; a film stands for its shots, and a status finds it by its own or by that of
    a shot. What is held and charged stands below.

    With --watch into a pipe, each change is a line, or with --json an object, until all have ended.
    """
    read = Arguments({"status": status}, known=("status",))
    word = read.word("status", LISTED_BY)
    read.finish()
    if watch:
        watch_tasks(terminal, word=word, limit=limit)
        return

    async def work(videos: Videos) -> str:
        terminal.list(*await read_newest(videos, word=word, limit=limit))
        words = pages.unsaved_words(await videos.unsaved(), videos.now())
        return words or pages.unattended_words(await videos.unattended())

    terminal.warn(visit(work))


@program.command()
@click.argument("task_id")
@json_option()
@click.pass_obj
def cancel(terminal: Terminal, task_id: str) -> None:
    """Cancel a task that has not started.

    That is one that is QUEUED or PENDING; nothing is charged then. DashScope cancels nothing that it renders.
    """
    if task_id.startswith(FILM):
        cancel_film(terminal, task_id)
        return
    words = say("Stopped. `wan-mcp show {id}` shows whether it was canceled.", id=task_id)
    with terminal.stoppable(words, task_id=task_id):
        # Not watching: what is QUEUED must not be sent in the same moment.
        report = visit(lambda videos: videos.cancel(task_id))
    if not report.task.is_settled:
        report = look_at(report.task.id, terminal, seconds=_CANCELED_BY)
    terminal.show(report)


@program.command()
@click.argument("task_id")
@click.option("--is", "remote_id", metavar="DASHSCOPE_TASK_ID", help="It is this task of DashScope's.")
@click.option("--never-arrived", is_flag=True, help="DashScope never had it: nothing was charged.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@click.pass_obj
def settle(terminal: Terminal, task_id: str, remote_id: str | None, never_arrived: bool, yes: bool) -> None:
    """Settle a task whose end only you can see.

    An UNCERTAIN or UNKNOWN one is closed by your word, after a look into the Alibaba Cloud console.
    Give either --is or --never-arrived.
    """
    if never_arrived == (remote_id is not None):
        raise click.UsageError(say("Give either --is DASHSCOPE_TASK_ID or --never-arrived."))
    with terminal.stoppable(say("Nothing was recorded.")) as stop:
        report = visit(lambda videos: videos.get(task_id))
        if not yes and report.task.status in (Status.UNCERTAIN, Status.UNKNOWN):
            cost = report.task.cost
            _confirm(
                terminal,
                report,
                say("Record that it is DashScope's {remote_id}? This cannot be taken back.", remote_id=remote_id)
                if remote_id
                else say("Record that it never arrived and frees {cost}? This cannot be taken back.", cost=cost),
            )

        async def work(videos: Videos) -> Report:
            await checkpoint()
            words = say("Stopped. `wan-mcp show {id}` shows whether it was recorded.", id=report.task.id)
            stop.now_says(words, money_moved="no", known={"task_id": report.task.id})
            return await videos.settle(task_id, remote_id=remote_id)

        terminal.show(visit(work))


def _confirm(terminal: Terminal, report: Report, question: str) -> None:
    if not terminal.can_ask:
        raise NeedsConsent(
            say("{id} is settled by a person's word, and there is no terminal to ask on.", id=report.task.id),
            next_step=say("Run it again with --yes."),
        )
    if not terminal.as_json:
        terminal.show(report)
    if not terminal.ask(question):
        raise Declined(say("Nothing was recorded."))


# Prices


@program.command()
@click.option("--size", metavar="W*H", help=f"{_SIZES}.  [default: {WAN25_T2V.default_size}]")
@click.option("--resolution", metavar="TIER", help=f"Instead of --size: {', '.join(WAN25_T2V.sizes)}.")
@click.option("--duration", type=int, metavar="SECONDS", help=f"{_LENGTHS}.  [default: {WAN25_T2V.default_duration}]")
@click.option(
    "--count", type=click.IntRange(1, _MOST_COUNTED), default=1, show_default=True, metavar="COUNT",
    help="How many videos.",
)  # fmt: skip
@json_option()
@click.pass_obj
def estimate(terminal: Terminal, count: int, **given: Any) -> None:
    """Say what videos cost.

    And what the budget leaves. Free; needs neither key nor network.
    """
    if given["size"] and given["resolution"]:
        raise click.UsageError(say("Give either --size or --resolution."))

    async def work(videos: Videos) -> tuple[Quote, Region, Account]:
        read = Arguments(given, known=("size", "resolution", "duration"))
        model, limits = videos.settings.model, videos.settings.limits
        tier = parse_resolution(read, model, limits) or model.resolution(parse_size(read, model, limits))
        duration = parse_duration(read, model, limits)
        read.finish()
        quote = videos.spending.price(resolution=tier, duration=duration, count=count)
        return quote, videos.settings.region, await videos.spending.account()

    terminal.price(*visit(work))


@program.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, metavar="COUNT", help="How far back."
)
@json_option("Print the days, their total and the budget as JSON.")
@click.pass_obj
def usage(terminal: Terminal, days: int) -> None:
    """Show what each day has cost.

    Of all callers together. A video weighs on the day on which it succeeded, as the budget counts it; what is
    still open or in doubt is held.
    """
    from wan_mcp.cli.usage import show_usage

    async def work(videos: Videos) -> tuple[list[Day], Account]:
        return await videos.spending.days(days), await videos.spending.account()

    show_usage(terminal, *visit(work))


# Trying it, and finding out why it does not work


@program.command()
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("wan-demo"), show_default=True,
    metavar="FOLDER", help="The folder for the video.",
)  # fmt: skip
@json_option("Print what was made as JSON; the story goes to stderr.")
@click.pass_obj
def demo(terminal: Terminal, output: Path) -> None:
    """Try it: no key, no cost, half a minute.

    The real server, driven by a real MCP client, on a simulated DashScope: from a prompt to a saved video.
    """
    from wan_mcp.cli.demo import run_demo

    run_demo(terminal, output)


@program.command(short_help="Write it into a client's configuration.")
@click.argument("client", type=click.Choice(["claude-desktop", "claude-code", "cursor", "vscode"]))
@click.option("--print", "prints", is_flag=True, help="Only print what would stand there, for copying.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Set this for the server; may be repeated.")
@click.option("--no-key", is_flag=True, help="Leave the API key out.")
@click.option("--simulator", metavar="URL", help="Lead it to a `wan-mcp simulate`, such as http://127.0.0.1:8090.")
@click.option("--name", default="wan", show_default=True, metavar="NAME", help="What the client calls it.")
@click.option("--uvx", is_flag=True, help="Have it started by `uvx wan-mcp` instead of from this environment.")
@click.option(
    "--file", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Instead of the client's usual file.",
)  # fmt: skip
@json_option("Print what was written where as JSON; the change goes to stderr.")
@click.pass_obj
def install(terminal: Terminal, *, prints: bool, yes: bool, no_key: bool, env: tuple[str, ...], **given: Any) -> None:
    """Write it into a client's configuration.

    Shows the change and asks; what the file was is kept beside it. Other servers in it are left alone. What
    this environment sets (region, budgets, folders) is set there too; the API key is never shown.

    Claude Code: .mcp.json in this folder. The others: the user's own file.
    """
    from wan_mcp.cli.install import install as write_it
    from wan_mcp.cli.install import read_env, wish

    if not re.fullmatch(r"[\w-]{1,64}", given["name"], re.ASCII):
        raise click.UsageError(say("--name has letters, digits, - and _ only."))
    wanted = wish(**given, given=read_env(env), has_key=not no_key)
    if prints:
        terminal.line(wanted.block())
    else:
        write_it(wanted, terminal, is_agreed=yes)


@program.command()
@json_option("Print the findings as JSON.")
@click.pass_obj
def doctor(terminal: Terminal) -> None:
    """Find out what is wrong, and what to do.

    Checks versions, settings, key, ledger, folders and disk. The key is tried with one free call; it is never shown.
    """
    from wan_mcp.cli.doctor import examine, is_well, tell

    findings = examine()
    tell(terminal, findings)
    if not is_well(findings):
        raise click.exceptions.Exit(1)


for elsewhere in (film, preview, retake, serve, simulate, token):
    program.add_command(elsewhere)
