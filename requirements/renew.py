"""Write the pins in this folder anew: every version with its hashes, and no word of where it was found."""

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


def main() -> None:
    """Compile each file."""
    largest = ROOT / "requirements" / next(iter(FILES))
    for name, wanted in FILES.items():
        bound = () if name == largest.name else ("--constraint", str(largest))
        command = (*COMPILE, "pyproject.toml", *wanted, *bound, "-o", f"requirements/{name}")
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - the words above, and nothing else


if __name__ == "__main__":
    main()
