"""A video written once more, the same bit for bit, with its origin in it."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# PyAV leaves the type of a packet open.

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import av
from av.error import FFmpegError

from wan_mcp.domain.language import later

from .reading import Unusable, reading


def stamp(source: Path, target: Path, metadata: Mapping[str, str]) -> None:
    """Copy the streams of `source` to `target`, the index first, and see that nothing changed on the way.

    Raises:
        Unusable: it cannot be read or written, or is not the same.
    """
    with reading(source) as video:
        streams = [*video.streams.video, *video.streams.audio]
        if len(streams) != len(video.streams) or not video.streams.video:
            raise Unusable(later("{file} holds more than pictures and sound."), file=source.name)
        try:
            with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as copy:
                copies = {stream.index: copy.add_stream_from_template(stream) for stream in streams}
                copy.metadata.update(metadata)
                for packet in video.demux(*streams):
                    if packet.size:
                        packet.stream = copies[packet.stream_index]
                        copy.mux(packet)
        except FFmpegError as error:
            raise Unusable(
                later("The origin cannot be written into {file} ({reason})."),
                file=source.name,
                reason=str(error.strerror),
            ) from error
    if _content(source) != _content(target):
        raise Unusable(later("{file} would not stay the same with its origin in it."), file=source.name)
    handle = os.open(target, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _content(path: Path) -> list[str]:
    """Of each stream: what it consists of, and when each piece is shown."""
    with reading(path) as video:
        sums = {stream.index: hashlib.sha256(stream.codec_context.extradata or b"") for stream in video.streams}
        for packet in video.demux():
            if packet.size:
                seconds = (packet.pts or 0) * packet.time_base
                sums[packet.stream_index].update(f"{packet.stream.type} {seconds} {packet.size} ".encode())
                sums[packet.stream_index].update(bytes(packet))
        return sorted(one.hexdigest() for one in sums.values())
