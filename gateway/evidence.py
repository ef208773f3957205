"""The store of files that learners hand in: each under its SHA-256, of a few kinds, known by their content.

* NotTaken          the file is not stored; its code says why
"""

import hashlib
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

MEBIBYTE = 1024 * 1024
MOST_BYTES = 10 * MEBIBYTE
"""Of one file."""
MOST_FILES = 5
"""In one submission."""
MOST_UPLOAD = MOST_FILES * MOST_BYTES + 64 * 1024
"""Of one form with its files."""
MOST_PIXELS = 12_000_000
MOST_MEMBERS = 2_000
MOST_UNPACKED = 100 * MEBIBYTE
"""Of an office file, all its parts together; honest ones hold far less."""
CHUNK = 64 * 1024

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
UTF8, GB18030 = "text/plain; charset=utf-8", "text/plain; charset=gb18030"

ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    XLSX: "xlsx",
    DOCX: "docx",
    # A table as text is text: as .csv a double click would open it in a spreadsheet, which runs formulas.
    UTF8: "txt",
    GB18030: "txt",
}
ACCEPT = ".pdf,.png,.jpg,.jpeg,.txt,.csv,.xlsx,.docx"
"""What the browser's file dialog offers; nobody believes it."""


class NotTaken(Exception):
    """This file is not stored; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is in the store."""

    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of files named by their hash; a name that somebody gave is never part of a path."""

    folder: Path

    def put(self, file: IO[bytes]) -> Stored:
        """Check a file and keep it; when this returns it is on disk. Raises NotTaken."""
        data = file.read(MOST_BYTES + 1)
        media_type = kind_of(data)
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if not path.exists():
            _write(path, data)
        return Stored(media_type, len(data), sha256)

    def open(self, sha256: str) -> IO[bytes]:
        """Open a file; raises FileNotFoundError if it has been erased."""
        return self._path(sha256).open("rb")

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a SHA-256")
        return self.folder / sha256[:2] / sha256


def kind_of(data: bytes) -> str:
    """Say by its content what a file is; raises NotTaken for what we do not take."""
    if not data:
        raise NotTaken("file_empty")
    if len(data) > MOST_BYTES:
        raise NotTaken("file_too_large")
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        _check_pixels(_size_of_png(data))
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        _check_pixels(_size_of_jpeg(data))
        return "image/jpeg"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_zip(data)
    return _kind_of_text(data)


# Pictures: only the header is read; what decodes them is the trainer's own program.


def _check_pixels(size: tuple[int, int] | None) -> None:
    if size is None or not all(size):
        raise NotTaken("file_broken")
    if size[0] * size[1] > MOST_PIXELS:
        raise NotTaken("picture_too_large")


def _size_of_png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    return struct.unpack(">II", data[16:24])


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """Find the frame header (SOF) among the segments."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


# Office files


def _kind_of_zip(data: bytes) -> str:
    # Counted before the directory is read: it alone could be hundreds of thousands of members.
    if data.count(b"PK\x01\x02") > MOST_MEMBERS:
        raise NotTaken("file_unpacks_too_large")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members, len(data))
            _unpack(archive, members)
            return _office(archive, {member.filename for member in members})
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise NotTaken("file_broken") from None


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    if sum(member.file_size for member in members) > MOST_UNPACKED:
        raise NotTaken("file_unpacks_too_large")
    # Members that share their bytes make a small file out of a huge one.
    if sum(member.compress_size for member in members) > size or len({m.filename for m in members}) < len(members):
        raise NotTaken("file_broken")
    for member in members:
        stored = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if (
            not stored
            or member.flag_bits & 0x1
            or member.filename.startswith("/")
            or ".." in member.filename.split("/")
        ):
            raise NotTaken("file_broken")


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Read everything once in small pieces: a size that the directory lies about fails its checksum here."""
    left = MOST_UNPACKED
    for member in members:
        for chunk in _chunks(archive, member):
            left -= len(chunk)
            if left < 0:
                raise NotTaken("file_unpacks_too_large")


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as part:
        while chunk := part.read(CHUNK):
            yield chunk


def _office(archive: zipfile.ZipFile, names: set[str]) -> str:
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    if "[Content_Types].xml" not in names or macros:
        raise NotTaken("file_wrong_type")
    if "xl/workbook.xml" in names:
        return XLSX
    if "word/document.xml" in names:
        return DOCX
    raise NotTaken("file_wrong_type")


# Text


def _kind_of_text(data: bytes) -> str:
    for encoding, media_type in (("utf-8-sig", UTF8), ("gb18030", GB18030)):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(_no_text(character) for character in set(text)):
            return media_type
    raise NotTaken("file_wrong_type")


def _no_text(character: str) -> bool:
    # GB18030 reads most bytes as something; what it reads programs and pictures as has control or private characters.
    number = ord(character)
    return (
        (number < 0x20 and character not in "\t\n\r\f")
        or 0x7F <= number < 0xA0
        or 0xE000 <= number < 0xF900
        or number >= 0xF0000
        or number in (0xFFFD, 0xFFFE, 0xFFFF)
    )


# Disk


def _write(path: Path, data: bytes) -> None:
    """Write beside the place and move it in whole, so that no reader and no power cut sees half a file."""
    _folder(path.parent.parent)
    _folder(path.parent)
    part = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync(path.parent)


def _folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    _sync(path.parent)


def _sync(folder: Path) -> None:
    entry = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
