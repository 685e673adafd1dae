"""Write the pins anew: every version with its hashes, and no word of where it was found.

Ours are in this folder; those of other people's clients lie beside the program that runs each of them.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--upgrade"),
)
# What is asked for in each file. All must agree, so the largest is solved first and binds the others.
FILES = {
    "e2e.txt": ("--extra", "media", "--group", "dev", "--group", "e2e"),
    "dev.txt": ("--extra", "media", "--group", "dev"),
    "run.txt": ("--extra", "media", "--group", "build"),
}


CLIENTS = sorted((ROOT / "tests/e2e/clients").glob("*/requirements.in"))
"""Each has an environment of its own, and need not agree with anything."""


def main() -> None:
    """Compile each file."""
    largest = ROOT / "requirements" / next(iter(FILES))
    for name, wanted in FILES.items():
        bound = () if name == largest.name else ("--constraint", str(largest))
        _compile("pyproject.toml", *wanted, *bound, "-o", f"requirements/{name}")
    for asked in CLIENTS:
        _compile(str(asked.relative_to(ROOT)), "-o", str(asked.with_suffix(".txt").relative_to(ROOT)))


def _compile(*words: str) -> None:
    subprocess.run([*COMPILE, *words], cwd=ROOT, check=True)  # noqa: S603 - words of this file, and nothing else


if __name__ == "__main__":
    main()
