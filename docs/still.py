"""Takes docs/demo.jpg out of a video that `make demo` saved: `.venv/bin/python docs/still.py wan-demo/*.mp4`."""

# pyright: reportUnknownMemberType=false
# Pillow leaves the type of a size open.

import sys
from pathlib import Path

import av
from PIL import Image

STILL = Path(__file__).with_name("demo.jpg")
_AT = 2.5
"""Seconds into the video."""
_LARGEST = 80_000
"""Bytes that a reader of the README should have to fetch at most."""


def take(video: Path, still: Path) -> int:
    """Save the picture that stands at `_AT`, half as wide and high, and return its size in bytes."""
    with av.open(video) as film:
        frame = next(frame for frame in film.decode(video=0) if frame.time >= _AT).reformat(format="rgb24")
    pixels = frame.planes[0]
    picture = Image.frombytes("RGB", (frame.width, frame.height), bytes(pixels), "raw", "RGB", pixels.line_size)
    picture.resize((frame.width // 2, frame.height // 2)).save(still, quality=88, optimize=True)
    return still.stat().st_size


if __name__ == "__main__":
    size = take(Path(sys.argv[1]), STILL)
    assert size <= _LARGEST, f"{size} bytes are too many"
    print(f"{STILL.name}: {size} bytes")
