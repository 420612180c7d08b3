"""What a photo's file says of itself is said by its result's file, in every format."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

from zoo.core.errors import BadInput
from zoo.core.photo import open_photo
from zoo.studio.formats import FORMATS, encode, format_of
from zoo.studio.metadata import history, read_metadata, srgb_profile

CAPTION = "Köln, der Dom – 1936"
AS_READ = CAPTION.encode().decode("latin-1")  # how Pillow reads UTF-8 in EXIF
XMP = '<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:title="Äpfel"/></x:xmpmeta>'.encode()


def exif(maker_note: bytes = b"secret" * 10) -> bytes:
    found = Image.Exif()
    found[Base.ImageDescription] = "@" * len(CAPTION.encode())
    found[Base.Orientation] = 6
    found[Base.Artist] = "A. Sander"
    found[Base.XResolution], found[Base.YResolution], found[Base.ResolutionUnit] = 300.0, 300.0, 2
    found[IFD.Exif] = {
        Base.DateTimeOriginal: "1936:05:01 12:30:00",
        Base.ColorSpace: 65535,
        Base.ExifImageWidth: 9999,
        Base.MakerNote: maker_note,
    }
    found[IFD.GPSInfo] = {1: "N", 2: (50.0, 56.0, 28.5)}
    # Pillow writes no UTF-8 into EXIF; cameras and archives do.
    return found.tobytes().replace(b"@" * len(CAPTION.encode()), CAPTION.encode())


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def saved(rgb: np.ndarray, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, form, **options)
    return buffer.getvalue()


def result(source: bytes, form: str, rgb: np.ndarray, alpha: np.ndarray | None = None) -> Image.Image:
    metadata = read_metadata(source)
    metadata.say("made so")
    image = Image.open(io.BytesIO(encode(rgb, form, alpha=alpha, metadata=metadata)))
    image.load()
    return image


def test_the_suffixes_of_the_formats_are_those_that_pillow_knows_them_by():
    for form in FORMATS.values():
        for suffix in form.suffixes:
            assert Image.registered_extensions()[suffix] == form.name


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_caption_date_place_resolution_and_xmp_are_kept(rgb, source, form):
    options: dict[str, object] = {"exif": exif()}
    if source == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options.update(pnginfo=info, dpi=(300, 300))
    else:
        options.update(xmp=XMP)
    if source == "JPEG":
        options.update(dpi=(300, 300))
    image = result(saved(rgb, source, **options), form, rgb)
    kept = image.getexif()
    assert kept[Base.ImageDescription] == AS_READ
    assert kept[Base.Artist] == "A. Sander"
    assert kept.get(Base.Orientation, 1) == 1  # its pixels are upright
    picture = kept.get_ifd(IFD.Exif)
    assert picture[Base.DateTimeOriginal] == "1936:05:01 12:30:00"
    assert picture[Base.MakerNote] == b"secret" * 10
    assert picture[Base.ColorSpace] == 1
    assert (picture[Base.ExifImageWidth], picture[Base.ExifImageHeight]) == (30, 40)
    assert kept.get_ifd(IFD.GPSInfo)[2] == (50.0, 56.0, 28.5)
    dpi = image.info.get("dpi") or (kept[Base.XResolution], kept[Base.YResolution])
    assert dpi == pytest.approx((300, 300), abs=0.01)
    xmp = image.info["xmp"]
    assert xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    assert history(image) == "made so"


@pytest.mark.parametrize("form", FORMATS)
def test_a_tiffs_descriptions_are_kept_and_its_storage_is_not(rgb, form):
    source = saved(rgb, "TIFF", tiffinfo={Base.ImageDescription: "Rhine", 269: "Album 3"}, dpi=(600, 400))
    image = result(source, form, rgb[:10, :20])
    kept = image.getexif()
    assert image.size == (20, 10)
    assert (kept[Base.ImageDescription], kept[269]) == ("Rhine", "Album 3")
    assert (kept[Base.XResolution], kept[Base.YResolution]) == pytest.approx((600, 400))


@pytest.mark.parametrize("form", ["jpg", "webp", "tiff"])
def test_a_pngs_texts_become_exif_elsewhere(rgb, form):
    info = PngInfo()
    info.add_text("Author", "Sander")
    info.add_itxt("Description", CAPTION)
    image = result(saved(rgb, "PNG", pnginfo=info), form, rgb)
    assert image.getexif()[Base.Artist] == "Sander"
    assert image.getexif()[Base.ImageDescription] == AS_READ


def test_a_pngs_texts_stay_its_texts(rgb):
    info = PngInfo()
    info.add_itxt("Description", CAPTION)
    info.add_text("Raw profile type exif", "00")
    image = result(saved(rgb, "PNG", pnginfo=info), "png", rgb)
    assert image.text == {"Description": CAPTION}


@pytest.mark.parametrize("form", FORMATS)
def test_a_jpegs_comment_and_iptc_caption_are_captions(rgb, form):
    commented = result(saved(rgb, "JPEG", comment=CAPTION.encode()), form, rgb)
    assert commented.getexif()[Base.ImageDescription] == AS_READ
    # A Photoshop block holds IPTC: record 2, data sets 120 (caption), 80 (by-line) and 55 (date); IIM 4.1.
    fields = {120: CAPTION.encode(), 80: b"Sander", 55: b"19360501"}
    iptc = b"".join(struct.pack(">BBBH", 0x1C, 2, key, len(text)) + text for key, text in fields.items())
    block = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    plain = saved(rgb, "JPEG")
    source = plain[:2] + b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block + plain[2:]
    kept = result(source, form, rgb).getexif()
    assert kept[Base.ImageDescription] == AS_READ
    assert kept[Base.Artist] == "Sander"
    assert kept.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "1936:05:01 00:00:00"


def test_what_is_too_long_for_a_jpeg_goes_and_the_rest_stays(rgb):
    source = saved(rgb, "PNG", exif=exif(maker_note=b"x" * 90_000))
    metadata = read_metadata(source)
    metadata.say("made so")
    kept = Image.open(io.BytesIO(encode(rgb, "jpg", metadata=metadata))).getexif()
    assert kept[Base.ImageDescription] == AS_READ
    assert kept.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "1936:05:01 12:30:00"
    assert Base.MakerNote not in kept.get_ifd(IFD.Exif)
    assert any("too long" in note for note in metadata.notes)


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_metadata_costs_nothing(rgb, form):
    whole = saved(rgb, "JPEG", exif=exif(), xmp=XMP)
    at = whole.index(b"Exif\0\0")
    for position in range(at + 6, at + 220, 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        image = result(bytes(damaged), form, rgb)
        assert history(image).startswith("made so")


@pytest.mark.parametrize("form", FORMATS)
def test_the_result_says_that_it_is_srgb_and_is_read_so(rgb, form):
    content = encode(rgb, form)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["icc_profile"] == srgb_profile()
        profile = ImageCms.getOpenProfile(io.BytesIO(srgb_profile()))
        converted = ImageCms.profileToProfile(image.convert("RGB"), profile, ImageCms.createProfile("sRGB"))
        assert np.array_equal(np.asarray(converted), np.asarray(image.convert("RGB")))
    if form in ("png", "tiff"):
        assert np.array_equal(open_photo(content).rgb, rgb)
    assert content == encode(rgb, form)


@pytest.mark.parametrize("form", ["png", "webp", "tiff"])
def test_transparency_is_kept_where_the_format_has_it(rgb, form):
    alpha = np.tile(np.linspace(0, 255, 30).round().astype(np.uint8), (40, 1))
    with Image.open(io.BytesIO(encode(rgb, form, alpha=alpha))) as image:
        assert np.array_equal(np.asarray(image.getchannel("A")), alpha)


def test_noise_is_written_as_a_jpeg_whole(rgb):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(encode(noise, "jpg"))) as image:
        image.load()
        assert image.size == (300, 200)


def test_a_picture_too_large_for_a_format_is_one_sentence():
    with pytest.raises(BadInput, match=r"17000.*cannot be written as WEBP.*--format"):
        encode(np.zeros((2, 17000, 3), np.uint8), "webp")
    with pytest.raises(BadInput, match="cannot be written as JPEG"):
        encode(np.zeros((2, 70000, 3), np.uint8), "jpg")


def test_a_suffix_means_a_format():
    assert [format_of(Path(name)) for name in ("a.PNG", "b.jpeg", "c.tif", "d.webp", "e.gif", "f")] == [
        "png",
        "jpg",
        "tiff",
        "webp",
        None,
        None,
    ]
