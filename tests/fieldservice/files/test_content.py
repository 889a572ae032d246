"""What is accepted as a file, judged by what is in it, and what is left of a photo."""

from __future__ import annotations

import random
from io import BytesIO

import pytest
from PIL import Image

from fieldservice.files import Fault, Unfit, content, fit
from tests import pictures
from tests.pictures import HEIC, HTML, PDF, PHP, SVG, bomb, encoded, has_place, photo, picture


def opened(file: bytes | None) -> Image.Image:
    """A stored picture."""
    assert file is not None
    return Image.open(BytesIO(file))


def test_nothing_of_a_photo_is_kept_but_its_pixels() -> None:
    """The place, the camera, comments and what hides behind the end are gone, from both pictures."""
    sent = photo()
    assert has_place(sent)  # control: it is there, and we would see it
    assert all(trace in sent for trace in (b"Marker Camera", b"a comment", b"xmpmeta", pictures.SECRET))
    kept = fit(sent)
    assert kept.media_type == "image/jpeg"
    for file in (kept.content, kept.small):
        assert opened(file).format == "JPEG"
        assert not opened(file).getexif()
        assert file is not None
        assert not has_place(file)
        for trace in (b"Exif", b"Marker Camera", b"a comment", b"xmpmeta", pictures.SECRET):
            assert trace not in file


def test_a_photo_stands_upright_and_is_shrunk() -> None:
    """What the camera noted about how it was held is applied before it is forgotten."""
    kept = fit(photo(4000, 2000, orientation=6))  # held upright: the sensor's left is the top
    assert (kept.width, kept.height) == opened(kept.content).size == (800, 1600)
    red, blue = opened(kept.content).getpixel((790, 800)), opened(kept.content).getpixel((10, 800))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] > 200 > 60 > red[2]
    assert blue[2] > 200 > 60 > blue[0]
    assert max(opened(kept.small).size) == 320


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("L", "PNG"),
        ("1", "PNG"),
        ("RGBA", "WEBP"),
        ("CMYK", "JPEG"),
    ],
)
def test_every_kind_of_picture_becomes_a_photo(mode: str, kind: str) -> None:
    """Palettes, greys, transparency on white, colours for print."""
    drawn = picture(mode="RGBA" if mode == "RGBA" else "RGB").convert(mode)
    kept = fit(encoded(drawn, kind))
    assert opened(kept.content).mode == "RGB"
    if mode == "RGBA":
        upper = opened(kept.content).getpixel((5, 5))
        assert isinstance(upper, tuple)
        assert 100 < upper[1] < 150  # half of the white below shows


def test_what_an_iphone_makes_becomes_a_photo() -> None:
    """HEIC, upright as it was held, without the place; shrunk like any other."""
    drawn = picture(2400, 1200)
    noted = drawn.getexif()
    noted[0x0112] = 6
    noted.get_ifd(0x8825).update({1: "N", 2: (39.0, 17.0, 25.0), 3: "W", 4: (76.0, 36.0, 44.0)})
    kept = fit(pictures.heic(drawn, exif=noted.tobytes()))
    assert (opened(kept.content).format, kept.width, kept.height) == ("JPEG", 800, 1600)
    assert not has_place(kept.content)
    red = opened(kept.content).getpixel((790, 800))
    assert isinstance(red, tuple)
    assert red[0] > 200 > 60 > red[2]


def test_a_small_photo_is_not_enlarged() -> None:
    """A picture of one pixel stays one."""
    assert fit(encoded(picture(1, 1), "PNG")).width == 1


def test_a_document_is_kept_as_it_is() -> None:
    """A PDF has no small picture."""
    kept = fit(PDF)
    assert (kept.media_type, kept.content, kept.small) == ("application/pdf", PDF, None)


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"", Fault.EMPTY),
        (PHP, Fault.UNKNOWN),
        (HTML, Fault.UNKNOWN),
        (SVG, Fault.UNKNOWN),
        (b"MZ" + bytes(500), Fault.UNKNOWN),
        (b"PK\x03\x04" + bytes(500), Fault.UNKNOWN),
        (encoded(picture(), "GIF"), Fault.UNKNOWN),
        (encoded(picture(), "TIFF"), Fault.UNKNOWN),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(500), Fault.UNKNOWN),
        (HEIC, Fault.DAMAGED),
        (photo(400, 300)[:2000], Fault.DAMAGED),
        (encoded(picture(400, 300), "PNG")[:-60], Fault.DAMAGED),
        (PDF[:-8], Fault.DAMAGED),
        (b"%PDF-1.7" + HTML, Fault.DAMAGED),
        (bomb(), Fault.TOO_MANY_PIXELS),
        (bomb(6000, 5000), Fault.TOO_MANY_PIXELS),
        (bytes(content.MOST_BYTES + 1), Fault.TOO_LARGE),
        (PDF[:-6] + bytes(content.MOST_PDF_BYTES) + b"%%EOF\n", Fault.PDF_TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, Fault) else repr(value[:12]),
)
def test_what_is_refused(sent: bytes, fault: Fault) -> None:
    """Programs, pages and drawings that call themselves photos, broken files, and bombs."""
    with pytest.raises(Unfit) as refused:
        fit(sent)
    assert refused.value.fault == fault


def test_a_bomb_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the limit off, the same few kilobytes are opened to their 30 megapixels."""
    assert len(bomb(6000, 5000)) < 10_000
    monkeypatch.setattr(content, "MOST_PIXELS_OF_OTHERS", 10**9)
    assert fit(bomb(6000, 5000)).width == 1600


def test_bytes_that_were_hit_are_a_refusal_or_a_photo() -> None:
    """Flipped bytes anywhere in a photo raise nothing else, whatever the reader of pictures makes of it."""
    dice, whole = random.Random(7), photo(60, 40)  # noqa: S311
    outcomes = set()
    for _ in range(150):
        hit = bytearray(whole)
        for _ in range(dice.randint(1, 12)):
            hit[dice.randrange(len(hit))] = dice.randrange(256)
        try:
            outcomes.add(fit(bytes(hit)).media_type)
        except Unfit as error:
            outcomes.add(error.fault)
    assert "image/jpeg" in outcomes
    assert len(outcomes) > 1


def test_who_waits_for_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture is opened at a time; another request does not wait for ever."""
    monkeypatch.setattr(content, "PATIENCE_S", 0.05)
    with content._one_at_a_time, pytest.raises(Unfit) as refused:
        fit(photo())
    assert refused.value.fault == Fault.BUSY
    assert fit(photo()).content
