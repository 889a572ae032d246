"""What is accepted as a file, judged by its content: photos, which are drawn anew, and PDF as it is.

Nothing of a photo is kept but its pixels: no place, no time, no camera, no colour profile, and nothing that
was hidden behind the picture. So a photo that is stored is one that we wrote ourselves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

JPEG, PDF = "image/jpeg", "application/pdf"
MOST_BYTES = 15_000_000
MOST_PDF_BYTES = 5_000_000
MOST_PIXELS = 50_000_000  # of a JPEG, which is opened smaller: the largest that phones make without asking
MOST_PIXELS_OF_OTHERS = 25_000_000  # a PNG of that takes 200 MB to open and shrink, a HEIC as much
LARGEST_SIDE = 1600
SMALL_SIDE = 320
PATIENCE_S = 20.0

_FORMATS = ("JPEG", "PNG", "WEBP")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
_PDF_END_WITHIN = 2048
_one_at_a_time = threading.Lock()


class Fault(StrEnum):
    """Why a file is not kept."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    PDF_TOO_LARGE = "pdf_too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"
    BUSY = "busy"


class Unfit(Exception):
    """The content is not accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Kept:
    """What is stored of a file: of a photo two pictures, the large one with its size in pixels."""

    media_type: str
    content: bytes
    small: bytes | None = None
    width: int | None = None
    height: int | None = None


def fit(content: bytes) -> Kept:
    """What is kept of a file that somebody sent. Raises Unfit; the name of the file plays no part."""
    if not content:
        raise Unfit(Fault.EMPTY)
    if len(content) > MOST_BYTES:
        raise Unfit(Fault.TOO_LARGE)
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    with _turn():
        return _photo(content)


def _pdf(content: bytes) -> Kept:
    if len(content) > MOST_PDF_BYTES:
        raise Unfit(Fault.PDF_TOO_LARGE)
    if b"%%EOF" not in content[-_PDF_END_WITHIN:]:
        raise Unfit(Fault.DAMAGED)
    return Kept(PDF, content)


@contextmanager
def _turn() -> Iterator[None]:
    """One picture at a time in a process: opened ones are large. Raises Unfit after waiting for too long."""
    if not _one_at_a_time.acquire(timeout=PATIENCE_S):
        raise Unfit(Fault.BUSY)
    try:
        yield
    finally:
        _one_at_a_time.release()


def _photo(content: bytes) -> Kept:
    formats = _formats(content)
    try:
        picture = Image.open(BytesIO(content), formats=formats)
    except UnidentifiedImageError as error:
        raise Unfit(Fault.UNKNOWN if formats is _FORMATS else Fault.DAMAGED) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unfit(Fault.TOO_MANY_PIXELS) from error
    except Exception as error:  # noqa: BLE001  a reader of pictures may stumble over anything
        raise Unfit(Fault.DAMAGED) from error
    most = MOST_PIXELS if picture.format in ("JPEG", "MPO") else MOST_PIXELS_OF_OTHERS
    if picture.width * picture.height > most:
        raise Unfit(Fault.TOO_MANY_PIXELS)
    try:
        large = _drawn_anew(picture)
    except Exception as error:  # noqa: BLE001  as above; only now are the pixels read
        raise Unfit(Fault.DAMAGED) from error
    small = large.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    return Kept(JPEG, _jpeg(large, 85), _jpeg(small, 75), *large.size)


def _formats(content: bytes) -> tuple[str, ...]:
    """Which readers may look at a picture; the one of HEIC, what iPhones make, is loaded when one comes."""
    if content[4:8] != b"ftyp" or content[8:12] not in _HEIC_BRANDS:
        return _FORMATS
    from pillow_heif import register_heif_opener  # half of the processes never see one

    register_heif_opener(thumbnails=False, decode_threads=1)
    return ("HEIF",)


def _drawn_anew(picture: Image.Image) -> Image.Image:
    """The picture upright and shrunk, on white where it is transparent, and nothing but its pixels."""
    picture.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))  # a JPEG is opened no larger than needed
    picture.load()
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    upright = _upright(picture)
    drawn = Image.new("RGB", upright.size, "white")
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        drawn.paste(upright, mask=upright)
    else:
        drawn.paste(upright.convert("RGB"))
    return drawn


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as the camera was held; as it is stored when what the camera noted cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001  as above
        return picture


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
