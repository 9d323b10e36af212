"""An archive's file: parts with names, one after another, as a compressed tar that common tools unpack.

`docs/archive.md` says which parts there are. The file is a POSIX ustar archive in one zstd frame with its checksum.
Times, owners and modes in it are always the same, so that what is the same gives the same file.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, NamedTuple

import zstandard

from counterfoil.errors import Malformed, NotFound, Unavailable

BLOCK: Final = 512
MAX_PART: Final = 64 << 20
"""The largest part: a bundle of 256 entries has at most a quarter of it."""
MAX_WINDOW: Final = 1 << 27
"""The most memory that reading the compressed bytes may take."""
LEVEL: Final = 3
READ: Final = 1 << 10
"""How many compressed bytes are read at a time: as much as they may become, 32 MiB, is in memory at once."""


class Part(NamedTuple):
    """A part's name and bytes."""

    name: str
    data: bytes


class PartWriter:
    """Writes parts to an open file. Nothing after the last part is written before `finish`."""

    def __init__(self, file: IO[bytes]):
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(file, closefd=False)

    def put(self, name: str, data: bytes) -> None:
        """Write one part."""
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._stream.write(info.tobuf(tarfile.USTAR_FORMAT))
        self._stream.write(data + bytes(-len(data) % BLOCK))

    def finish(self) -> None:
        """Write the end, by which a reader knows that nothing was cut off."""
        self._stream.write(bytes(2 * BLOCK))
        self._stream.flush(zstandard.FLUSH_FRAME)


@contextmanager
def open_archive(path: Path) -> Iterator[BufferedReader]:
    """An archive's file. Raises `NotFound` or `Unavailable` where it cannot be read."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None


def read_parts(file: IO[bytes]) -> Iterator[Part]:
    """The parts of an archive in their order, one in memory at a time.

    Raises `Malformed` where the file is no archive, was cut off or changed on its way.
    """
    frame = _Frame(file)
    while (part := _read_part(frame)) is not None:
        yield part
    frame.end()


class _Frame:
    """The content of one zstd frame, which must be all that a file holds."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        self._waiting = bytearray()

    def read(self, length: int, part: str) -> bytes:
        """The next bytes; `part` names what they are of."""
        while len(self._waiting) < length:
            if not self._more():
                raise Malformed(f"the archive ends within {part[:80]}; it was cut off")
        data = bytes(self._waiting[:length])
        del self._waiting[:length]
        return data

    def end(self) -> None:
        """Read the frame's end with its checksum. Raises `Malformed` where anything else comes."""
        if any(self.read(BLOCK, "its end")):
            raise Malformed("the archive does not end as one does; it was changed on its way")
        while self._more():
            pass
        if self._waiting or self._frame.unused_data or self._file.read(1):
            raise Malformed("the archive goes on after its end; it was changed or is another kind of file")

    def _more(self) -> bool:
        """Decompress a little more; gives False at the end of the frame."""
        if self._frame.eof:
            return False
        data = self._file.read(READ)
        if not data:
            raise Malformed("the archive ends within its compressed bytes; it was cut off")
        try:
            self._waiting += self._frame.decompress(data)
        except zstandard.ZstdError as error:
            raise Malformed(f"the archive cannot be read ({error}); it is damaged or no archive") from None
        return True


def _read_part(frame: _Frame) -> Part | None:
    header = frame.read(BLOCK, "a part's header")
    if not any(header):
        return None
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise Malformed(f"the archive has a part whose header cannot be read: {error}") from None
    if not info.isreg() or info.tobuf(tarfile.USTAR_FORMAT) != header:
        raise Malformed(f"the archive's part {info.name[:80]!r} is not written as an archive's are")
    if not 0 <= info.size <= MAX_PART:
        raise Malformed(
            f"the archive's part {info.name[:80]!r} has {info.size} bytes; at most {MAX_PART} are read"
        )
    data = frame.read(info.size, info.name)
    if any(frame.read(-info.size % BLOCK, info.name)):
        raise Malformed(f"the archive's part {info.name[:80]!r} is followed by bytes that belong to nothing")
    return Part(info.name, data)
