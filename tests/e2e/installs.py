"""What other people's programs need is installed once, each in a folder of its own beside this file.

Git ignores the folders; removed, they are made again. Nothing here says where packages come from. Only what is
built already is taken: a compiler on the way would cost minutes, and may not be there.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_PATIENCE = 240
"""Seconds for one try; a quick line needs 30 for the largest."""


def node_packages(manifest: Path) -> Path:
    """Return the `node_modules` of a package.json, installed if they are not the ones asked for."""

    def install(folder: Path) -> None:
        npm = shutil.which("npm")
        assert npm, "these runs need npm"
        shutil.copy(manifest, folder)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        command = [npm, "install", *options]
        _first_that_works(manifest, folder, command, command)

    return _made(HERE / ".npm" / manifest.parent.name, manifest, install) / "node_modules"


def python_with(requirements: Path) -> Path:
    """Return the Python of a venv that has these requirements: whole, pinned and hashed, so that none is sought.

    uv takes seconds where pip takes minutes; pip is the second try, since it may know of indexes that uv does not.
    """

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=_PATIENCE)
        python = str(_python(folder))
        wanted = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
        uv = [sys.executable, "-m", "uv", "pip", "install", "--python", python]
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-compile"]
        _first_that_works(requirements, folder, [*uv, *wanted], [*pip, *wanted])

    return _python(_made(HERE / ".venvs" / requirements.parent.name, requirements, install))


def _first_that_works(wanted: Path, folder: Path, *commands: Sequence[str]) -> None:
    """Networks fail now and then, so there is a second try; what both said is told."""
    said: list[str] = []
    for command in commands:
        try:
            subprocess.run(command, cwd=folder, check=True, timeout=_PATIENCE, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            said.append(f"{' '.join(command)}\nended with {error.returncode}:\n{error.stderr[-2000:]}")
        except subprocess.TimeoutExpired:
            said.append(f"{' '.join(command)}\nwas not done after {_PATIENCE} s.")
        else:
            return
    pytest.fail(f"What {wanted.relative_to(HERE)} asks for cannot be installed.\n\n" + "\n".join(said), pytrace=False)


def _python(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _made(folder: Path, wanted: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder anew unless it was made, to the end, of what is wanted today."""
    mark = folder / "installed.txt"
    text = wanted.read_text(encoding="utf-8")
    if not mark.exists() or mark.read_text(encoding="utf-8") != text:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        make(folder)
        mark.write_text(text, encoding="utf-8")
    return folder
