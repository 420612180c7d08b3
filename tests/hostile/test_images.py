"""Whatever bytes a photo's file holds: a picture, or one sentence."""

from __future__ import annotations

import io
import runpy
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from zoo.core import photo_files
from zoo.core.errors import BadInput
from zoo.core.photo import read_photo

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
hostile = settings.get_profile("hostile")

MAGIC = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0",
    b"GIF89a",
    b"BM",
    b"P6\n",
    b"P3 ",
    b"%!PS-Adobe",
)


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _photographs() -> list[bytes]:
    """One small picture in every format, mode and with every extra that a photo may come with."""
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    ways = [
        ("PNG", "RGB", {}),
        ("PNG", "P", {"transparency": 0}),
        ("PNG", "RGBA", {}),
        ("PNG", "1", {}),
        ("PNG", "LA", {}),
    ]
    ways += [("JPEG", "RGB", {"exif": exif}), ("JPEG", "CMYK", {}), ("JPEG", "L", {"progressive": True})]
    ways += [("TIFF", "RGB", {"exif": exif}), ("TIFF", "F", {}), ("TIFF", "CMYK", {"compression": "tiff_lzw"})]
    ways += [("TIFF", "1", {"compression": "group4"}), ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "I;16", {})]
    ways += [
        ("WEBP", "RGB", {"exif": exif}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
    ]
    ways += [("AVIF", "RGB", {"exif": exif}), ("JPEG2000", "RGB", {}), ("JPEG2000", "L", {})]
    ways += [("PNG", "RGB", {"icc_profile": _profile()}), ("JPEG", "CMYK", {"icc_profile": _profile()})]
    ways += [("TIFF", "RGB", {"save_all": True, "append_images": [colour.rotate(180)]})]
    ways += [("MPO", "RGB", {"save_all": True, "append_images": [colour.rotate(180)]})]
    ways += [("PPM", "RGB", {}), ("WEBP", "RGB", {"save_all": True, "append_images": [colour.rotate(180)]})]
    found = []
    for form, mode, options in ways:
        picture = (
            Image.new(mode, (24, 18), 0.5 if mode == "F" else 900) if mode in ("F", "I;16") else colour.convert(mode)
        )
        file = io.BytesIO()
        picture.save(file, form, **options)
        found.append(file.getvalue())
    return found + _deep_tiffs(rng.integers(0, 65536, (18, 24, 3), dtype=np.uint16))


def _deep_tiffs(samples: np.ndarray) -> list[bytes]:
    """Colours of more than 8 bits, which other readers than Pillow's own decode."""
    found = []
    for content, options in (
        (samples, {}),
        (samples, {"compression": "zlib", "predictor": True}),
        ((samples / 65535).astype(np.float32), {}),
        (samples.transpose(2, 0, 1), {"planarconfig": "separate"}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, content, photometric="rgb", **options)
        found.append(file.getvalue())
    return found


images = st.one_of(
    st.binary(max_size=300),
    st.tuples(st.sampled_from(MAGIC), st.binary(max_size=200)).map(b"".join),
    st.sampled_from(_photographs()).flatmap(DAMAGE["damaged"]),
)


@given(images)
@hostile
@pytest.mark.filterwarnings("ignore")  # Pillow's, about odd tags
def test_a_photo(tmp_path, content):
    file = tmp_path / "photo.jpg"
    file.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photo_files, "PIXEL_LIMIT", 4_000_000)  # a header that lies costs time and memory up to the limit
        try:
            rgb = read_photo(file)
        except BadInput as error:
            DAMAGE["one_sentence"](error)
        else:
            assert rgb.dtype == np.uint8
            assert rgb.ndim == 3
            assert rgb.shape[2] == 3
            assert rgb.size > 0


def test_every_whole_photograph_is_read(tmp_path):
    for content in _photographs():
        (tmp_path / "photo").write_bytes(content)
        assert read_photo(tmp_path / "photo").shape in {(18, 24, 3), (24, 18, 3)}


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


BOMBS = {
    "png": _png(13_000, 13_000),
    "huge_png": _png(2**31 - 1, 2**31 - 1),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",",
    "bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "ppm": b"P6\n100000 100000\n255\n",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_decompression_bomb_is_refused_before_it_goes_off(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    (tmp_path / "bomb").write_bytes(BOMBS[kind])
    with pytest.raises(BadInput, match=r"megapixels|decompression bomb|cannot be read"):
        read_photo(tmp_path / "bomb")
