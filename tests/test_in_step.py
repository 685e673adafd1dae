"""What is said twice is said alike: the code, its help, the pages, the manifest, the version.

After a deliberate change of the code: `.venv/bin/python docs/generate.py`.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import Client

from docs import generate
from wan_mcp import __version__
from wan_mcp.cli.commands import program
from wan_mcp.server.app import build_server
from wan_mcp.server.tools import build_tools
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")

# By shape and not by name: this file may not hold what it forbids.
_INDEX_ADDRESS = re.compile(
    r"https?://[^\s\"'<>]*/(?:simple|registry)\b|--(?:extra-)?index-url|\"resolved\": *\"http|https?://registry[.]",
    re.IGNORECASE,
)
_PATHS_OF_A_MACHINE = re.compile(r"(?<![\w.$}~-])/(?:work|root|home|Users|builds)/\w")


async def _no_service() -> Videos:
    raise AssertionError("listing tools opens nothing")


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _manifest() -> dict[str, Any]:
    return json.loads(_read("manifest.json"))


def _files() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_what_is_generated_is_as_the_code_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is kept by hand is wrong after the second change. It ends the program where something differs."""
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    generate.main()


def test_the_version_stands_the_same_everywhere() -> None:
    """Who reports a fault names one of these."""
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    newest = re.search(r"^## (\S+)", _read("CHANGELOG.md"), re.MULTILINE)
    assert project["version"] == __version__
    assert _manifest()["version"] == __version__
    assert newest is not None
    assert newest[1] == __version__


def test_the_manifest_names_the_tools_there_are() -> None:
    """A host shows the manifest's list before the server has ever run."""
    told = {tool["name"]: tool["description"] for tool in _manifest()["tools"]}
    assert told == {tool.name: tool.description for tool in build_tools(_no_service)}


def test_the_registry_takes_what_it_is_told() -> None:
    """The rules of its schema, 2025-12-11, that a change of ours could break; a refusal comes with the release."""
    told: dict[str, Any] = json.loads(_read("server.json"))
    [package] = told["packages"]
    assert told["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", told["name"])
    assert 0 < len(told["description"]) <= 100
    assert told["version"] == package["version"] == __version__
    assert (package["registryType"], package["transport"]) == ("mcpb", {"type": "stdio"})
    assert package["identifier"].endswith(f"/v{__version__}/wan-mcp-{__version__}.mcpb")
    assert "fileSha256" not in package, "only `make bundle` knows it"
    assert {variable["name"] for variable in package["environmentVariables"]} == set(
        _manifest()["server"]["mcp_config"]["env"]
    )


@pytest.mark.parametrize("name", READMES)
def test_a_readme_names_the_server_as_the_registry_does(name: str) -> None:
    """Whoever can write this page may publish under the name: that is how the registry knows its owner."""
    assert f"<!-- mcp-name: {json.loads(_read('server.json'))['name']} -->" in _read(name)


@pytest.mark.anyio
async def test_the_manifest_names_the_prompts_there_are() -> None:
    """A host shows these before the server has ever run, too."""
    async with Client(build_server(_no_service)) as client:
        served = {prompt.name: prompt.arguments or [] for prompt in (await client.list_prompts()).prompts}
    told = {prompt["name"]: prompt["arguments"] for prompt in _manifest()["prompts"]}
    assert told == {
        name: [argument.name for argument in arguments if argument.required] for name, arguments in served.items()
    }


def test_every_choice_of_the_manifest_reaches_a_setting() -> None:
    """A misspelt variable would silently leave a budget at its default."""
    manifest = _manifest()
    env: dict[str, str] = manifest["server"]["mcp_config"]["env"]
    settings = {field.alias for field in Settings.model_fields.values()}
    assert set(env) <= settings
    assert sorted(env.values()) == sorted(f"${{user_config.{name}}}" for name in manifest["user_config"])
    assert manifest["user_config"]["api_key"]["sensitive"] is True


def test_the_manifest_tells_the_same_in_chinese() -> None:
    """A choice that is only English in a Chinese form is the one that nobody dares to touch."""
    manifest = _manifest()
    chinese: dict[str, Any] = json.loads(_read(manifest["localization"]["resources"].replace("${locale}", "zh-CN")))
    assert list(chinese["user_config"]) == list(manifest["user_config"])
    assert [tool["name"] for tool in chinese["tools"]] == [tool["name"] for tool in manifest["tools"]]
    assert [prompt["name"] for prompt in chinese["prompts"]] == [prompt["name"] for prompt in manifest["prompts"]]
    assert chinese.keys() < manifest.keys()
    for name, choice in chinese["user_config"].items():
        assert choice.keys() == {"title", "description"}
        assert all(choice[part] != manifest["user_config"][name][part] for part in choice)
    assert all(_numbers(chinese[part]) == _numbers(manifest[part]) for part in ("description", "long_description"))


def _numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?P?", text))


@pytest.mark.parametrize("filled_in", ["", "${user_config.it}"])
def test_a_choice_left_open_in_the_manifest_counts_as_unset(filled_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts fill in an empty text, or nothing at all, where the person chose nothing."""
    untouched = Settings.read()
    for name in _manifest()["server"]["mcp_config"]["env"]:
        monkeypatch.setenv(name, filled_in.replace("it", name))
    assert Settings.read() == untouched


def test_the_defaults_of_the_manifest_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person sees in the form is what holds."""
    manifest = _manifest()
    untouched = Settings.read()
    for name, value in manifest["server"]["mcp_config"]["env"].items():
        choice = manifest["user_config"][value.removeprefix("${user_config.").removesuffix("}")]
        monkeypatch.setenv(name, str(choice.get("default", "")))
    assert Settings.read() == untouched


def test_the_help_describes_every_setting() -> None:
    """`wan-mcp --help` is the first place where a person looks for a variable's name."""
    shown = CliRunner().invoke(program, ["--help"]).output
    words = " ".join(shown.split())
    for field in Settings.model_fields.values():
        assert field.alias is not None
        assert field.description is not None
        assert field.alias in words
        # A long word may be broken at its hyphen.
        assert field.description.replace(" ", "") in shown.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("name", READMES)
def test_a_readme_has_150_lines_at_most(name: str) -> None:
    """A page that is longer is not read."""
    assert len(_read(name).splitlines()) <= 150


def test_both_readmes_are_the_same_page() -> None:
    """What is copied out of one must be what the other has: code, links, headings, tables."""
    english, chinese = (_read(name) for name in READMES)
    for part in (r"```(.*?)```", r"\]\((http[^)]+|docs/[^)]+)\)", r"^\| (`\w+`) \|"):
        found = [re.findall(part, page, re.DOTALL | re.MULTILINE) for page in (english, chinese)]
        assert found[0] == found[1]
    outlines = [re.findall(r"^(#+) ", page, re.MULTILINE) for page in (english, chinese)]
    assert outlines[0] == outlines[1]


def test_no_file_names_a_package_index() -> None:
    """Where packages come from is the machine's to say; a pinned host would break whoever has another."""
    assert [str(path.relative_to(ROOT)) for path in _files() if _INDEX_ADDRESS.search(_text(path))] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    """It would be wrong everywhere else."""
    assert [str(path.relative_to(ROOT)) for path in _files() if _PATHS_OF_A_MACHINE.search(_text(path))] == []


def _text(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")
