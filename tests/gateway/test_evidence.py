"""Files that learners hand in: known by content, limited in every direction, kept under their hash."""

import hashlib
import random
import stat
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from gateway import evidence
from gateway.evidence import DOCX, GB18030, MEBIBYTE, MOST_BYTES, UTF8, XLSX, NotTaken, Store, kind_of


def png(width: int, height: int) -> bytes:
    """Make the header of a picture; nobody decodes the rest."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg(width: int, height: int) -> bytes:
    """Make a JPEG header with a comment and a fill byte before the frame."""
    comment, frame = b"\xff\xfe\x00\x04hi", struct.pack(">BHHB", 8, height, width, 3)
    return b"\xff\xd8" + comment + b"\xff\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"


def office(**parts: bytes | str) -> bytes:
    """Pack an office file."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


SHEET, LETTER = office(**{"xl/workbook.xml": "<w/>"}), office(**{"word/document.xml": "<w/>"})


@pytest.mark.parametrize(
    "data, media_type",
    [
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "application/pdf", id="pdf"),
        pytest.param(png(4000, 3000), "image/png", id="png of 12 Mpx"),
        pytest.param(jpeg(4000, 3000), "image/jpeg", id="jpeg of 12 Mpx"),
        pytest.param(SHEET, XLSX, id="xlsx"),
        pytest.param(LETTER, DOCX, id="docx"),
        pytest.param("时间,订单\n09:00,17\n".encode(), UTF8, id="csv"),
        pytest.param("\ufeff时间,订单\r\n".encode(), UTF8, id="csv with a mark"),
        pytest.param("时间,订单\n09:00,17\n".encode("gb18030"), GB18030, id="csv from a Chinese spreadsheet"),
        pytest.param(b"plain", UTF8, id="text"),
        pytest.param(b"<script>alert(1)</script>", UTF8, id="a page is only text"),
    ],
)
def test_a_file_is_known_by_its_content(data: bytes, media_type: str) -> None:
    assert kind_of(data) == media_type
    assert media_type in evidence.ENDINGS


@pytest.mark.parametrize(
    "data, code",
    [
        pytest.param(b"", "file_empty", id="empty"),
        pytest.param(b"a" * (MOST_BYTES + 1), "file_too_large", id="too large"),
        pytest.param(b"\x7fELF\x02\x01\x01" + bytes(64), "file_wrong_type", id="a program"),
        pytest.param(b"MZ\x90\x00\x03" + bytes(64), "file_wrong_type", id="a Windows program"),
        pytest.param(b"GIF89a\x01\x00\x01\x00", "file_wrong_type", id="gif"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "file_wrong_type", id="old office"),
        pytest.param(random.Random(1).randbytes(4096), "file_wrong_type", id="noise"),
        pytest.param(png(4001, 3000), "picture_too_large", id="png over 12 Mpx"),
        pytest.param(png(2**31 - 1, 2**31 - 1), "picture_too_large", id="png bomb"),
        pytest.param(jpeg(65500, 65500), "picture_too_large", id="jpeg bomb"),
        pytest.param(png(1, 1)[:20], "file_broken", id="cut png"),
        pytest.param(png(0, 5), "file_broken", id="png without width"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00\x00\x00\x00\x00", "file_broken", id="jpeg without frame"),
        pytest.param(b"\xff\xd8\xff\xfe\x00\x02\x00\x00\x00\x00\x00\x00\x00", "file_broken", id="jpeg that ends"),
        pytest.param(b"PK\x03\x04 and nothing more", "file_broken", id="cut zip"),
        pytest.param(office(**{"readme.txt": "hello"}), "file_wrong_type", id="any zip"),
        pytest.param(office(**{"xl/workbook.xml": "", "xl/vbaProject.bin": "x"}), "file_wrong_type", id="macros"),
        pytest.param(office(**{"xl/workbook.xml": "", "../../etc/x": "x"}), "file_broken", id="a path in a zip"),
        pytest.param(office(**{"xl/workbook.xml": "", "/etc/x": "x"}), "file_broken", id="a root path in a zip"),
    ],
)
def test_what_is_not_taken_says_why(data: bytes, code: str) -> None:
    with pytest.raises(NotTaken) as refused:
        kind_of(data)

    assert refused.value.code == code


def test_a_zip_bomb_is_refused_by_what_it_says_it_holds() -> None:
    bomb = office(**{"xl/workbook.xml": bytes(evidence.MOST_UNPACKED + 1)})

    assert len(bomb) < MEBIBYTE
    with pytest.raises(NotTaken, match="file_unpacks_too_large"):
        kind_of(bomb)


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    honest = office(**{"xl/workbook.xml": bytes(50 * MEBIBYTE)})
    size = struct.pack("<I", 50 * MEBIBYTE)

    with pytest.raises(NotTaken, match="file_broken"):
        kind_of(honest.replace(size, struct.pack("<I", 100)))


def test_a_zip_whose_members_share_their_bytes_is_refused() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", random.Random(2).randbytes(4000))
        first = archive.infolist()[0]
        for number in range(50):
            again = zipfile.ZipInfo(f"xl/part{number}.xml")
            for name in ("compress_size", "file_size", "CRC", "header_offset", "compress_type"):
                setattr(again, name, getattr(first, name))
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again

    with pytest.raises(NotTaken, match="file_broken"):
        kind_of(file.getvalue())


def test_too_many_members_are_refused() -> None:
    many = office(**{f"xl/part{number}.xml": "" for number in range(evidence.MOST_MEMBERS)})

    with pytest.raises(NotTaken, match="file_unpacks_too_large"):
        kind_of(many)


def test_an_encrypted_zip_is_refused() -> None:
    locked = bytearray(SHEET)
    start = locked.find(b"PK\x01\x02")
    while start != -1:
        locked[start + 8] |= 1
        start = locked.find(b"PK\x01\x02", start + 4)

    with pytest.raises(NotTaken, match="file_broken"):
        kind_of(bytes(locked))


def test_a_file_is_kept_once_under_its_hash_for_us_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence")

    first, again = store.put(BytesIO(b"plain")), store.put(BytesIO(b"plain"))

    sha256 = hashlib.sha256(b"plain").hexdigest()
    assert first == again == evidence.Stored(UTF8, 5, sha256)
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path == tmp_path / "evidence" / sha256[:2] / sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with store.open(sha256) as file:
        assert file.read() == b"plain"


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NotTaken):
        Store(tmp_path).put(BytesIO(b"\x00"))

    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_only_a_hash_is_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Store(tmp_path).open(name)
