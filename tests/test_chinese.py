"""A Chinese person's day with it: in another process, as a host or a shell starts it, and in this one for speed."""

import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from rich.cells import cell_len

from tests.commands import Person, environment, run
from tests.test_cli import COMMANDS
from tests.test_server import CARD, data, text
from wan_mcp.cli.pages import note_words
from wan_mcp.domain.chinese import CHINESE
from wan_mcp.domain.task import Problem
from wan_mcp.server.consent import Consent
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

_MACHINES = re.compile(
    r"vid_[\w-]+|https?://\S+|/.*?\.mp4|/\S+|`[^`]*`|[A-Z]{3,}|\w+_\w+|DashScope|\b[A-Z]\w*Error\b|cn-beijing"
)
"""What stays as it is in every language."""


@pytest.fixture
def simulator() -> Simulator:
    """In real time, as another process must see it; a task takes about a second."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.8)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


def english_in(words: str) -> list[str]:
    """The English words that are left when all is taken away that machines read."""
    return re.findall(r"[A-Za-z]{4,}", _MACHINES.sub(" ", words))


async def test_a_client_hears_chinese_from_the_first_refusal_to_the_saved_file(url: str, tmp_path: Path) -> None:
    """Errors, the question, progress and results: each of them is read by a person or told to one."""
    questions: list[str] = []
    told: list[str] = []

    async def person(context: Any, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        questions.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    env = environment(url, tmp_path, WAN_MCP_LANG="zh", WAN_MCP_CONFIRM_ABOVE="0")
    server = StdioServerParameters(command=sys.executable, args=["-m", "wan_mcp", "serve"], env=env)
    async with Client(stdio_client(server), elicitation_callback=person) as client:
        tools = await client.list_tools()
        refused = await client.call_tool("get_video_task", {"task_id": "x", "wait_seconds": 99})
        price = await client.call_tool("estimate_cost", {})
        created = await client.call_tool("create_video", CARD)
        task_id = data(created)["task_id"]
        waiting = {"task_id": task_id, "wait_seconds": 20}
        saved = await client.call_tool("get_video_task", waiting, progress_callback=tell)
        listed = await client.call_tool("list_video_tasks", {})
        late = await client.call_tool("cancel_video_task", {"task_id": task_id})

    assert tools.tools[0].description is not None
    assert tools.tools[0].description.startswith("Create one video"), "models are taught in English"
    assert refused.is_error
    assert text(refused).startswith("请求未被接受：")
    assert "未产生费用。" in text(refused)
    assert text(price).startswith("3.00 CNY。720P：0.60 CNY/秒 × 5 秒 = 3.00 CNY。")
    assert questions == ["是否花费 3.00 CNY 生成此视频（720P：0.60 CNY/秒 × 5 秒 = 3.00 CNY）？“一只小猫在月光下奔跑”"]
    assert "已预留 3.00 CNY。" in text(created)
    assert told
    assert all("秒" in message or "保存" in message for message in told)
    assert "已扣费 3.00 CNY。请告诉用户文件的位置。" in text(saved)
    assert data(saved)["status"] == "SUCCEEDED"
    assert data(saved)["cost"]["state"] == "charged", "what machines read stays as it is"
    assert "今日剩余 97.00，上限 100.00 CNY" in text(listed)
    assert data(late)["error"]["code"] == "TooLate"
    assert text(late).endswith("未产生费用。没有可取消的内容。")
    for result in (refused, price, created, saved, listed, late):
        assert english_in(text(result)) == []


async def test_a_shell_hears_chinese_by_its_locale(url: str, tmp_path: Path) -> None:
    """From the first word of a help."""
    env = {"PYTHONUTF8": "1", **environment(url, tmp_path, LANG="zh_CN.UTF-8")}
    helped = await anyio.run_process([sys.executable, "-m", "wan_mcp", "create", "--help"], env=env)

    assert helped.stdout.decode().startswith("用法：wan-mcp create")
    assert "收费。" in helped.stdout.decode()


@pytest.mark.usefixtures("chinese")
async def test_a_shell_hears_of_commands_and_json_keeps_its_names(url: str, tmp_path: Path) -> None:
    """A shell has commands and not tools; what programs read stays as it is."""
    person = Person(environment(url, tmp_path, WAN_MCP_LANG="zh"))
    unknown = await person.types("show", "vid_none")
    price = await person.types("estimate", "--json")

    assert unknown.exit_code == 1
    assert english_in(unknown.stderr.replace("'vid_none'", "")) == []
    assert "`wan-mcp tasks`" in unknown.stderr
    assert '"unit_price": 0.6' in price.stdout


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["paint"], "没有 'paint' 这个命令。"),
        (["creat"], "没有 'creat' 这个命令。是否想用 'create'？"),
        (["create"], "缺少参数 'PROMPT'。"),
        (["create", "一只猫", "--duration", "五"], "'--duration' 的值无效：'五' 不是有效的整数。"),
        (["tasks", "--s", "5"], "没有 '--s' 这个选项。是否想用"),
        (["create", "一只猫", "--second", "5"], "没有 '--second' 这个选项。"),
        (["create", "一只猫", "--seed"], "选项 '--seed' 须给出值。"),
        (["create", "a", "b", "c"], "多余的参数（b c）"),
        (["tasks", "--limit", "0"], "0 超出范围 1<=x<=1000。"),
        (["tasks", "--watch=1"], "选项 '--watch' 不接受值。"),
        (["serve", "--transport", "pigeon"], "'pigeon' 不是 'stdio', 'streamable-http', 'sse' 之一。"),
        (["simulate", "--speed", "x"], "'x' 不是有效的数字。"),
        (["install"], "vscode}'。可选："),
        (["install", "cursor", "--file", "/"], "'/' 是文件夹，须为文件。"),
    ],
)
def test_a_mistyped_command_is_told_in_chinese(words: list[str], told: str) -> None:
    """These texts are click's; half a sentence of each language helps nobody."""
    typed = run(*words)

    assert typed.exit_code == 2
    assert told in typed.stderr
    assert "错误：" in typed.stderr
    assert not re.search(r"Error|Usage|Try|Invalid|No such|Missing|Did you", typed.stderr)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_is_chinese_and_fits_eighty_columns(command: str) -> None:
    """A Chinese character takes two cells, and a line may end behind any of them but before no full stop."""
    told = run(*command.split(), "--help").stdout

    assert told.startswith("用法：wan-mcp")
    assert "选项：" in told
    assert all(cell_len(line) <= 80 for line in told.splitlines())
    assert not any(line.strip()[:1] in "，。；：）" for line in told.splitlines() if line.strip())
    sentences = [line for line in told.splitlines() if re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", line)]
    assert [line for line in sentences if "paper boat" not in line] == []


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("media", ["draw", "clip"])
def test_what_the_simulator_says_of_its_videos_is_chinese(media: Literal["draw", "clip"]) -> None:
    """It knows nothing of languages itself."""
    assert english_in(note_words(Simulator(media=media).note).replace("media", "")) == []


def test_the_chinese_speaks_to_the_person_in_one_way() -> None:
    """你, and not 您 here and there."""
    assert [words for words in CHINESE.values() if "您" in words] == []


@pytest.mark.usefixtures("chinese")
def test_the_form_in_which_a_person_agrees_is_chinese() -> None:
    """The question was, and the box to tick beside it was not."""
    [agree] = Consent.model_json_schema()["properties"].values()

    assert (agree["title"], agree["description"]) == ("我同意", "支付这笔费用？")


@pytest.mark.usefixtures("chinese")
def test_what_the_ledger_has_in_english_is_shown_in_chinese() -> None:
    """It may have been written by a process that spoke another language; DashScope's own words stay."""
    ours = Problem(code="Canceled", message="It was cancelled before it started.")
    theirs = Problem(code="DataInspectionFailed", message="Input data may contain inappropriate content.")

    assert ours.words == "任务在开始前已取消。"
    assert theirs.words == theirs.message
