"""Writes what the pages and the manifest repeat from the code, each between its markers.

`.venv/bin/python docs/generate.py` writes; with `--check` it only says what no longer agrees. The Chinese of
a sentence hangs on its English: who changes the one is told that the other waits.
"""

import ast
import base64
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote, urlencode

import anyio
from pydantic.fields import FieldInfo

from wan_mcp import __version__
from wan_mcp.adapters.ledger import SAME_REQUEST
from wan_mcp.cli.install import CLIENTS, KEY, PLACEHOLDER, entry
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.chinese import CHINESE
from wan_mcp.domain.money import Money
from wan_mcp.domain.remote import LINK_FOLLOWS, LINK_LIVES
from wan_mcp.domain.task import (
    FIND_AFTER,
    FIND_AGAIN,
    FORGOTTEN,
    LINK_SURELY_DEAD,
    MEMORY,
    OPEN,
    STALE_QUEUE,
    TRANSITIONS,
    Status,
    money_state,
)
from wan_mcp.server.prompts import film_script, wan_prompt
from wan_mcp.server.tools import build_tools
from wan_mcp.settings import Settings

if TYPE_CHECKING:
    from wan_mcp.service.videos import Videos

ROOT = Path(__file__).parent.parent
S = Status

# Tools


async def _no_service() -> "Videos":
    raise AssertionError("listing tools opens nothing")


def _tools() -> Iterable[tuple[str, list[str], str]]:
    """Name, arguments and description of every tool, in the order of the list."""
    for tool in build_tools(_no_service):
        yield tool.name, list(tool.parameters["properties"]), tool.description


def tool_table() -> str:
    """The tools, in English."""
    rows = [(f"`{name}`", _codes(arguments), words) for name, arguments, words in _tools()]
    return _table(("tool", "arguments", "what a model is told of it"), rows)


def tool_table_in_chinese() -> str:
    """The tools, in Chinese."""
    rows = [(f"`{name}`", _codes(arguments, "、"), _chinese(words)) for name, arguments, words in _tools()]
    return _table(("工具", "参数", "用途"), rows)


# Rooms

_FLOORS = ("cli", "server", "service", "adapters", "domain")


def rooms() -> str:
    """The map of the house: each file by the first sentence it says of itself."""
    package = ROOT / "wan_mcp"
    lines = [f"- `settings.py`: {_first_sentence(package / 'settings.py')}"]
    for floor in (*_FLOORS, "simulator"):
        lines.append(f"- **`{floor}/`**: {_first_sentence(package / floor / '__init__.py')}")
        for path in sorted((package / floor).iterdir()) if floor in _FLOORS else []:
            if (path / "__init__.py").is_file():
                lines.append(f"  - `{path.name}/`: {_first_sentence(path / '__init__.py')}")
            elif path.suffix == ".py" and path.stem != "__init__":
                lines.append(f"  - `{path.name}`: {_first_sentence(path)}")
    return "\n".join(lines)


def _first_sentence(path: Path) -> str:
    told = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert told, f"{path.name} says nothing of itself"
    paragraph = " ".join(told.split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", paragraph, maxsplit=1)[0]


# Settings

_OVER_HTTP = (
    "caller_per_day",
    "tokens_file",
    "allowed_hosts",
    "allowed_origins",
    "oauth_issuer",
    "oauth_audience",
    "oauth_jwks_url",
)
"""Settings that only matter where callers come over HTTP: in the page of all settings, not in the READMEs."""


def _default(name: str, field: FieldInfo) -> tuple[str, str]:
    """What holds where a setting is left out, in English and in Chinese."""
    if name == "ledger":
        return "`ledger.db` in your data folder", "用户数据目录下的 `ledger.db`"
    if name == "output_dir":
        return "`wan` in your Videos folder", "“视频”文件夹下的 `wan`"
    if name == "base_url":
        return "by region", "由地域决定"
    if name in ("allow_resolutions", "max_duration"):
        return "all the model has", "模型所支持的全部"
    if name in ("budget_per_task", "budget_per_day", "confirm_above"):
        return _caps(name, " or "), _caps(name, " 或 ")
    if name == "language":
        return "by locale", "按系统语言"
    if name == "poll_interval":
        return "where an end is likely", "视通常用时而定"
    if field.default is None or field.default == ():
        return "none", "无"
    shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
    return f"`{shown}`", f"`{shown}`"


def _caps(name: str, between: str) -> str:
    """The default of a cap in each region."""
    budgets = [Settings.model_construct(WAN_MCP_REGION=region).budget for region in REGIONS]
    return between.join(str(getattr(budget, name.removeprefix("budget_"))) for budget in budgets)


def _settings(*, all_of_them: bool = False) -> Iterable[tuple[str, str, list[str], tuple[str, str]]]:
    """Name, description, allowed words and default of the settings."""
    for name, field in Settings.model_fields.items():
        if name in _OVER_HTTP and not all_of_them:
            continue
        assert field.alias is not None
        assert field.description is not None
        words = [word for word in get_args(field.annotation) if isinstance(word, str)]
        yield field.alias, field.description, words, _default(name, field)


def settings_table(*, all_of_them: bool = False) -> str:
    """The settings, in English."""
    rows = [
        (f"`{name}`", f"{words}{f' {_codes(allowed)}.' if allowed else ''}", default)
        for name, words, allowed, (default, _) in _settings(all_of_them=all_of_them)
    ]
    return _table(("variable", "meaning", "default"), rows)


def settings_table_in_chinese() -> str:
    """The settings, in Chinese."""
    between = "、"
    rows = [
        (f"`{name}`", f"{CHINESE[words]}{f'可选 {_codes(allowed, between)}。' if allowed else ''}", default)
        for name, words, allowed, (_, default) in _settings()
    ]
    return _table(("环境变量", "含义", "默认值"), rows)


# Prices


def price_table() -> str:
    """What videos cost, in English."""
    regions = [f"{_PLACES[region.id][0]}, {region.currency}" for region in REGIONS.values()]
    told = f"List prices as read in {WAN25_T2V.prices_of}:\n\n"
    return told + _prices("resolution", [f"{region}: {what}" for region in regions for what in _spans("1 s", "{} s")])


def price_table_in_chinese() -> str:
    """What videos cost, in Chinese."""
    regions = [f"{_PLACES[region.id][1]}（{region.currency}）" for region in REGIONS.values()]
    told = f"{WAN25_T2V.prices_of} 查阅的官方定价：\n\n"
    return told + _prices("分辨率", [f"{region}{what}" for region in regions for what in _spans("每秒", " {} 秒")])


_PLACES = {"cn-beijing": ("Beijing", "北京"), "ap-southeast-1": ("Singapore", "新加坡")}


def _spans(second: str, video: str) -> list[str]:
    return [second, *(video.format(duration) for duration in WAN25_T2V.durations)]


def _prices(corner: str, columns: list[str]) -> str:
    rows: list[tuple[str, ...]] = []
    for tier in WAN25_T2V.sizes:
        units = [Money(WAN25_T2V.prices[region.id][tier], region.currency) for region in REGIONS.values()]
        rows.append((tier, *((unit * times).plain for unit in units for times in (1, *WAN25_T2V.durations))))
    return _table((corner, *columns), rows, numbers=True)


# The life of a task

_WHY = {
    (S.QUEUED, S.SUBMITTING): "its turn",
    (S.QUEUED, S.CANCELED): "cancelled, or too old",
    (S.SUBMITTING, S.QUEUED): "not now",
    (S.SUBMITTING, S.PENDING): "accepted",
    (S.SUBMITTING, S.FAILED): "refused, or not reached",
    (S.SUBMITTING, S.UNCERTAIN): "answer lost",
    (S.UNCERTAIN, S.UNCERTAIN): "searched",
    (S.UNCERTAIN, S.PENDING): "found",
    (S.UNCERTAIN, S.FAILED): "never arrived",
    (S.PENDING, S.UNCERTAIN): "not ours",
    (S.RUNNING, S.UNCERTAIN): "not ours",
    (S.SUCCEEDED, S.SUCCEEDED): "file saved",
    (S.UNKNOWN, S.SUCCEEDED): "settled",
    (S.UNKNOWN, S.FAILED): "settled",
}
"""A word on the steps that are not self-explaining."""
_COLOURS = {
    "held": "fill:#fde68a,stroke:#b45309,color:#1f2937",
    "charged": "fill:#bbf7d0,stroke:#15803d,color:#1f2937",
    "free": "fill:#e5e7eb,stroke:#4b5563,color:#1f2937",
}


def life() -> str:
    """`TRANSITIONS` as a picture; the colour says where the money stands."""
    steps = [(before, after) for before in Status for after in Status if after in TRANSITIONS[before]]
    unreal = set(_WHY) - set(steps)
    assert not unreal, f"there is no such step: {unreal}"
    lines = ["[*] --> SUBMITTING: asked, there is room", "[*] --> QUEUED: asked, no room yet"]
    lines += ["[*] --> PENDING: made elsewhere, fetched here"]
    for before, after in steps:
        lines.append(f"{before} --> {after}" + (f": {_WHY[before, after]}" if (before, after) in _WHY else ""))
    lines += [f"{status} --> [*]" for status in Status if status not in OPEN]
    lines += [f"classDef {state} {colours}" for state, colours in _COLOURS.items()]
    lines += [
        f"class {','.join(status for status in Status if money_state(status) == state)} {state}" for state in _COLOURS
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])


_MEANS = {
    S.QUEUED: "ours: waiting with us for its turn; nothing was sent",
    S.SUBMITTING: "ours: the request may be on its way",
    S.UNCERTAIN: "ours: it was sent, and the answer was lost",
    S.PENDING: "DashScope has it and has not started",
    S.RUNNING: "DashScope is rendering it",
    S.SUCCEEDED: "rendered; its link lives for 24 hours, and the file is being saved or is saved",
    S.FAILED: "refused, failed while rendering, or never arrived",
    S.CANCELED: "cancelled before it started, or released from our queue",
    S.UNKNOWN: "DashScope no longer knows it",
}


def statuses() -> str:
    """Every status, what it means, and where the money stands."""
    rows = [(f"`{status}`", _MEANS[status], money_state(status)) for status in Status]
    return _table(("status", "means", "money"), rows)


# Times


def times() -> str:
    """The spans of time that money depends on."""
    spans = (
        (SAME_REQUEST, "the same request, repeated while the first is open, returns the first"),
        (STALE_QUEUE, "a queued task that nobody attended to for longer is released, not sent"),
        (FIND_AFTER, "after a lost answer, the first search in DashScope's list"),
        (FIND_AGAIN, "after a search that found nothing, the second one"),
        (MEMORY, "after sending, an uncertain task is no longer searched for: only you can settle it"),
        (FORGOTTEN, "after sending, a task without an end becomes `UNKNOWN`"),
        (LINK_LIVES, "the life of a link, from the end of its task"),
        (LINK_FOLLOWS, "how long a success without a link is asked about again"),
        (LINK_SURELY_DEAD, "past a link's own end, after a failed try, the download is given up"),
    )
    return _table(("time", "what it decides"), [(_span(int(span.total_seconds())), why) for span, why in spans])


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


# The Chinese of what models read in English only

_OF_TOOLS = {
    "Create one video with sound from text. PAID. Answers at once with task_id, price and status; then call "
    "get_video_task until the file is saved. The same request repeated while open is not paid twice.": (
        "用文字生成一段带声音的视频，**收费**。立即返回 task_id、价格和状态；之后调用 get_video_task，"
        "直到文件保存完毕。同一请求在任务未结束时重复提交，不会重复付费。"
    ),
    "Wait for a video and fetch it: status, saved file, link and its expiry, cost. Call again while it is not "
    "finished.": "等待并取回视频：状态、已保存的文件、链接及其失效时间、费用。未完成时可再次调用。",
    "Price of videos before creating them, and what the budget leaves. Free; needs no key.": (
        "生成之前先看价格，以及预算还剩多少。免费，不需要密钥。"
    ),
    "See a saved video: frames with their times in one image, to check it against the prompt. Free.": (
        "查看已保存的视频：若干帧画面连同时间拼成一张图，用来对照提示词检查。免费。"
    ),
    "Order shots joined into one MP4, at one price. PAID. Answers at once with film_id; then get_film.": (
        "一次下单多个镜头，合成为一个 MP4，统一报价，**收费**。立即返回 film_id；之后调用 get_film。"
    ),
    "Wait for a film: shots, cost, which one needs you, the file.": (
        "等待影片：各镜头、费用、哪个镜头需要处理、合成的文件。"
    ),
    "Another take of a shot; without shot, of all that are missing. PAID. Old takes stay.": (
        "重拍某个镜头；不指定 shot 即补拍所有缺少的镜头，**收费**。旧镜次予以保留。"
    ),
    "Cancel shots that have not started, uncharged. What has started is made, charged and kept.": (
        "取消尚未开始的镜头，不扣费。已经开始的仍会完成、扣费并保留。"
    ),
    "Tasks and films, newest first, and what is held, charged and left today. Look here before repeating a "
    "create_video whose answer was lost.": (
        "列出任务和影片（最新的在前），以及今天预留、已扣和剩余的金额。create_video 的答复丢失时先看这里，不要重试。"
    ),
    "Cancel a task that has not started (QUEUED or PENDING); then nothing is charged. Says so when it is too late.": (
        "取消尚未开始的任务（QUEUED 或 PENDING），不产生费用；来不及时会明确告知。"
    ),
}

_OF_THE_MANIFEST = {
    "Wan video": "万相视频",
    "Make videos from text with Alibaba's Wan 2.5: nothing paid twice, nothing paid for lost, no surprise on the "
    "bill.": ("用阿里巴巴的通义万相 2.5 把文字变成视频：不重复付费，付了钱的不会丢，账单没有意外。"),
    "Turn an idea into a good Wan 2.5 prompt.": "把想法写成适合通义万相 2.5 的提示词。",
    "Turn an idea into a film.": "把想法写成影片的分镜。",
    "DashScope API key": "DashScope API 密钥",
    "From the Alibaba Cloud Model Studio console, of the region below. Without it you can ask for prices, and nothing "
    "is spent.": "在阿里云百炼控制台创建，须与下面的地域一致。没有密钥也能询价，不会产生任何费用。",
    "Region": "地域",
    "Where the key's account lives: cn-beijing (billed in CNY) or ap-southeast-1 (Singapore, billed in USD).": (
        "密钥所属账号的地域：cn-beijing（北京，按人民币计费）或 ap-southeast-1（新加坡，按美元计费）。"
    ),
    "Save videos to": "视频保存位置",
    "Left empty: the folder wan in your Videos folder.": "留空则保存在“视频”文件夹下的 wan 文件夹。",
    "Most that one video may cost": "单个视频的费用上限",
    "In the region's currency. Left empty: the price of the dearest video, 10 CNY or 1.50 USD.": (
        "以该地域的货币计。留空则为最贵一档的价格：10 CNY 或 1.50 USD。"
    ),
    "Most that one day may cost": "每天的费用上限",
    "In the region's currency. Left empty: ten of the dearest videos, 100 CNY or 15 USD.": (
        "以该地域的货币计。留空则为最贵一档的十倍：100 CNY 或 15 USD。"
    ),
    "Ask me above this price": "高于此价格时先问我",
    "In the region's currency; 0 asks always. Left empty: half of what one video may cost.": (
        "以该地域的货币计；0 表示每次都问。留空则为单个视频上限的一半。"
    ),
    "Language of messages": "提示消息的语言",
    "en (English) or zh (Chinese). Left empty: the language of your system, where it tells.": (
        "en（英文）或 zh（中文）。留空则随系统语言。"
    ),
}
_LONG = (
    "用阿里云 DashScope 上收费的通义万相 2.5 模型，把文字变成带声音的视频：5 秒或 10 秒，480P 到 1080P。阿里云"
    "按视频秒数向密钥所属的账号收费；wan-mcp 本身免费。价格事先可知，单个视频和每一天都有上限，超过门槛先问你。"
    "视频在链接失效前保存到本机。\n\n生成视频需要 DashScope API 密钥（阿里云百炼）；询价不需要密钥。\n\n"
    "## 隐私\n\n你的要求（提示词、反向提示词、音频地址）连同密钥只发送给所选地域的 DashScope，不发给任何其他方。"
    "视频和任务记录都留在本机。没有遥测。"
)


def _chinese(english: str) -> str:
    known = _OF_TOOLS | _OF_THE_MANIFEST
    if english not in known:
        raise SystemExit(f"docs/generate.py has no Chinese for: {english}")
    return known[english]


# Installing


def links() -> tuple[str, str, str, str]:
    """One click for VS Code and for Cursor: their own links, and by way of a page where such links are cut off."""
    code, cursor = CLIENTS["vscode"], CLIENTS["cursor"]
    block = code.block("wan", entry(code, {KEY: code.key or ""}, uvx=True))
    for_code = {"name": "wan", **block["servers"]["wan"], "inputs": block["inputs"]}
    in_code = f"vscode:mcp/install?{quote(_compact(for_code), safe='')}"
    for_cursor = base64.b64encode(_compact(entry(cursor, {KEY: PLACEHOLDER}, uvx=True)).encode()).decode()
    query = urlencode({"name": "wan", "config": for_cursor})
    return (
        in_code,
        f"https://vscode.dev/redirect?url={quote(in_code, safe='')}",
        f"cursor://anysphere.cursor-deeplink/mcp/install?{query}",
        f"https://cursor.com/install-mcp?{query}",
    )


def one_click() -> str:
    """The links, in English."""
    code, by_code, cursor, by_cursor = links()
    return (
        f"One click: [VS Code]({code}), [Cursor]({cursor}); where such links do nothing, by way of "
        f"[vscode.dev]({by_code}), [cursor.com]({by_cursor})."
    )


def one_click_in_chinese() -> str:
    """The links, in Chinese."""
    code, by_code, cursor, by_cursor = links()
    return (
        f"一键安装：[VS Code]({code})、[Cursor]({cursor})；若此类链接点不开，可经由 "
        f"[vscode.dev]({by_code})、[cursor.com]({by_cursor})。"
    )


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


# Writing

PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"links": one_click, "prices": price_table, "tools": tool_table, "settings": settings_table},
    "README.zh-CN.md": {
        "links": one_click_in_chinese,
        "prices": price_table_in_chinese,
        "tools": tool_table_in_chinese,
        "settings": settings_table_in_chinese,
    },
    "docs/design.md": {"rooms": rooms, "life": life},
    "docs/settings.md": {"settings": lambda: settings_table(all_of_them=True)},
    "docs/money.md": {"statuses": statuses, "times": times},
}


def _codes(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, numbers: bool = False) -> str:
    rule = ("---", *(("---:" if numbers else "---") for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def page(text: str, blocks: dict[str, Callable[[], str]]) -> str:
    """Return a page with each block written anew between `<!-- name -->` and `<!-- /name -->`."""
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert len(pattern.findall(text)) == 1, f"the markers of {name} must stand there once"
        text = pattern.sub(lambda marks, block=block: f"{marks[1]}{block()}\n{marks[2]}", text)
    return text


def manifest(text: str) -> str:
    """Return the manifest with this version, the tools and the prompts."""
    told: dict[str, Any] = json.loads(text)
    told["version"] = __version__
    told["tools"] = [{"name": name, "description": words} for name, _, words in _tools()]
    told["prompts"] = anyio.run(_prompts)
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


async def _prompts() -> list[dict[str, Any]]:
    """Each with the argument that it needs; what it can also take, a host learns from the server."""
    written = [
        ("idea", "Turn an idea into a good Wan 2.5 prompt.", wan_prompt, await wan_prompt("${arguments.idea}")),
        ("idea", "Turn an idea into a film.", film_script, await film_script("${arguments.idea}")),
    ]
    return [
        {"name": write.__name__, "description": words, "arguments": [needed], "text": text}
        for needed, words, write, text in written
    ]


def registry(text: str) -> str:
    """Return server.json with this version, the bundle of it, and the settings that the bundle asks for."""
    told: dict[str, Any] = json.loads(text)
    [bundle] = told["packages"]
    home = told["repository"]["url"]
    told["version"] = bundle["version"] = __version__
    bundle["identifier"] = f"{home}/releases/download/v{__version__}/wan-mcp-{__version__}.mcpb"
    asked: dict[str, str] = json.loads((ROOT / "manifest.json").read_text("utf-8"))["server"]["mcp_config"]["env"]
    bundle["environmentVariables"] = [
        {
            "name": name,
            "description": words,
            **({"isSecret": True} if name.endswith("_KEY") else {}),
            **({"choices": allowed} if allowed else {}),
        }
        for name, words, allowed, _ in _settings()
        if name in asked
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def manifest_in_chinese(text: str) -> str:
    """Return what the manifest tells people, in Chinese; a host takes the rest from the manifest itself.

    Source: https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md#localization
    """
    told: dict[str, Any] = json.loads(text)
    chinese = {
        "display_name": _chinese(told["display_name"]),
        "description": _chinese(told["description"]),
        "long_description": _LONG,
        "tools": [
            {"name": tool["name"], "description": _chinese(tool["description"]).replace("*", "")}
            for tool in told["tools"]
        ],
        "prompts": [
            {"name": prompt["name"], "description": _chinese(prompt["description"])} for prompt in told["prompts"]
        ],
        "user_config": {
            name: {part: _chinese(choice[part]) for part in ("title", "description")}
            for name, choice in told["user_config"].items()
        },
    }
    return json.dumps(chinese, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write, or only check."""
    wanted = {ROOT / name: page((ROOT / name).read_text("utf-8"), blocks) for name, blocks in PAGES.items()}
    for name, write in {"manifest.json": manifest, "server.json": registry}.items():
        wanted[ROOT / name] = write((ROOT / name).read_text("utf-8"))
    wanted[ROOT / "mcpb-resources" / "zh-CN.json"] = manifest_in_chinese(wanted[ROOT / "manifest.json"])
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        if stale:
            names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
            sys.exit(f"No longer as the code is: {names}. Run docs/generate.py.")
        return
    for path in stale:
        path.write_text(wanted[path], "utf-8")
        print(f"{path.relative_to(ROOT)}: written anew")


if __name__ == "__main__":
    main()
