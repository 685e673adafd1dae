"""What other people's programs need is installed once, each in a folder of its own beside this file.

Git ignores the folders; removed, they are made again. Nothing here says where packages come from.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
_PATIENCE = 420


def node_packages(manifest: Path) -> Path:
    """Return the `node_modules` of a package.json, installed if they are not the ones asked for."""

    def install(folder: Path) -> None:
        npm = shutil.which("npm")
        assert npm, "these runs need npm"
        shutil.copy(manifest, folder)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "install", *options], cwd=folder, check=True, timeout=_PATIENCE)

    return _made(HERE / ".npm" / manifest.parent.name, manifest, install) / "node_modules"


def python_with(requirements: Path) -> Path:
    """Return the Python of a venv that has these requirements: whole, pinned and hashed, so that none is sought."""

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=_PATIENCE)
        pip = [sys.executable, "-m", "pip", "--python", str(_python(folder)), "--disable-pip-version-check", "install"]
        options = ["--quiet", "--no-deps", "--no-compile", "--require-hashes", "-r", str(requirements)]
        subprocess.run([*pip, *options], check=True, timeout=_PATIENCE)

    return _python(_made(HERE / ".venvs" / requirements.parent.name, requirements, install))


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
