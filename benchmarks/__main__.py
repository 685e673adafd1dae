"""All benchmarks, one after the other: `make bench`. Prints one table, and writes it into `RESULTS.md`.

What stands there below the table is written by hand and stays.
"""

import sys
from pathlib import Path

from benchmarks import burst, calls, chaos, crowd, download, fairness, finding_out, growth, http_door, start
from benchmarks.figures import Figure, machine, table

FILE = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
ALL = (start, calls, finding_out, crowd, fairness, burst, growth, download, http_door, chaos)


def main() -> None:
    """Run them all."""
    figures: list[Figure] = []
    for benchmark in ALL:
        name = benchmark.__name__.rpartition(".")[2]
        sys.stderr.write(f"{name}...\n")
        try:
            figures += benchmark.run()
        except Exception as error:  # noqa: BLE001 - one that cannot run here does not keep the others from it
            figures.append(Figure(name, f"{type(error).__name__}: {error}", "", is_reached=False))
    measured = f"{machine()}\n\n{table(figures)}"
    sys.stdout.write(measured + "\n")
    text = FILE.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    FILE.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
