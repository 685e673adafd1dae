"""A download beside curl's: `python -m benchmarks.download`. Fifty megabytes from a bucket on this machine."""

import http.server
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio

from benchmarks.crowd import resident
from benchmarks.figures import Figure, at_least, at_most, show, told
from wan_mcp.adapters.downloads import Downloads

MEGABYTES = 50


def run(times: int = 7, megabytes: int = MEGABYTES) -> list[Figure]:
    """Measure; the two take turns."""
    curl = shutil.which("curl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "bucket" / "video.mp4"
        video.parent.mkdir()
        head = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"
        video.write_bytes(head + bytes((megabytes * 10**6) - len(head)))
        with _bucket(video.parent) as url:
            ours, theirs, grown = list[float](), list[float](), list[float]()
            for number in range(times):
                before = resident()
                ours.append(anyio.run(_save, url, folder / "home", f"{number}.mp4"))
                grown.append((resident() - before) / 1024)
                if curl:
                    theirs.append(_curl(curl, url, folder / f"{number}.curl"))
    rate = megabytes / statistics.median(ours)
    note = f" ({rate:.0f} MB/s; both with the file on the disk: fsync)"
    if not theirs:
        return [told(f"{megabytes} MB, without curl to compare", f"{rate:.0f} MB/s")]
    ratio = statistics.median(other / one for one, other in zip(ours, theirs, strict=True))
    return [
        at_least(f"{megabytes} MB: speed beside curl's", ratio, 0.9, "×", note),
        at_most("memory that a download leaves", statistics.median(grown), 4, " MiB"),
    ]


async def _save(url: str, folder: Path, name: str) -> float:
    downloads = Downloads(folder, from_loopback=True)
    began = time.perf_counter()
    await downloads.save(url, name)
    took = time.perf_counter() - began
    await downloads.aclose()
    return took


def _curl(curl: str, url: str, path: Path) -> float:
    began = time.perf_counter()
    subprocess.run([curl, "--silent", "--noproxy", "*", "--output", str(path), url], check=True, timeout=60)
    with path.open("rb+") as file:  # ours is on the disk before it gets its name, so curl's is to be there too
        os.fsync(file.fileno())
    return time.perf_counter() - began


class _Bucket(http.server.SimpleHTTPRequestHandler):
    """Serves a folder with the type that OSS gives a video."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _bucket(folder: Path) -> Generator[str]:
    command = [sys.executable, "-m", "benchmarks.download", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _serve(folder: str) -> None:
    def handler(*given: object) -> _Bucket:
        return _Bucket(*given, directory=folder)  # pyright: ignore[reportArgumentType]  # as the standard library calls it

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}/video.mp4\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1])
    else:
        show(run)
