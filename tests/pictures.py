"""Files as people send them: photos with all that a camera notes, documents, and what is no such thing."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PHP = b"<?php system($_GET['c']); ?>"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
SECRET = b"hidden behind the picture"
_ORIENTATION, _MAKE, _GPS = 0x0112, 0x010F, 0x8825


def picture(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    drawn = Image.new(mode, (width, height), (255, 0, 0, 128)[: len(mode)])
    drawn.paste((0, 0, 255, 255)[: len(mode)], (0, height // 2, width, height))
    return drawn


def write_small(screenshot: bytes, path: Path, colours: int = 96) -> None:
    """A screenshot with few colours: text stays sharp, and the file small."""
    few = Image.open(BytesIO(screenshot)).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def encoded(drawn: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of a kind."""
    out = BytesIO()
    drawn.save(out, kind, **options)
    return out.getvalue()


def heic(drawn: Image.Image, **options: Any) -> bytes:
    """The picture as an iPhone stores it."""
    pillow_heif.register_heif_opener()
    return encoded(drawn, "HEIF", **options)


def photo(width: int = 40, height: int = 30, *, orientation: int = 1) -> bytes:
    """A JPEG with the place where it was taken, a comment, XMP, and something behind its end."""
    drawn = picture(width, height)
    noted = drawn.getexif()
    noted[_ORIENTATION], noted[_MAKE] = orientation, "Marker Camera"
    noted.get_ifd(_GPS).update({1: "N", 2: (39.0, 17.0, 25.0), 3: "W", 4: (76.0, 36.0, 44.0)})
    file = encoded(drawn, "JPEG", exif=noted, comment=b"a comment", xmp=b"<x:xmpmeta>xmp</x:xmpmeta>")
    return file + SECRET


def has_place(file: bytes) -> bool:
    """Whether a picture says where it was taken."""
    with Image.open(BytesIO(file)) as opened:
        return bool(opened.getexif().get_ifd(_GPS))


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that says that it has many pixels, and has them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * 500, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
