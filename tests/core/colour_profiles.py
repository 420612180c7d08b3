"""ICC profiles made from the numbers that define a colour space, and what they mean in float64.

Written from ICC.1:2010 (header 7.2, tag table 7.3, curveType 10.5, lut8Type 10.8, XYZType 10.25), so that nothing
here stands on the library that is tested.
"""

from __future__ import annotations

import struct

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256


def to_xyz(primaries) -> np.ndarray:
    """Linear RGB → XYZ under D65, columns R, G, B."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns * np.linalg.solve(columns, D65)


def srgb_encoded(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_linear(encoded: np.ndarray) -> np.ndarray:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def in_srgb(levels: np.ndarray, primaries, linear) -> np.ndarray:
    """What uint8 (…, 3) of a colour space is in sRGB, clipped: float64 in 0…255."""
    xyz = linear(levels.astype(np.float64) / 255) @ to_xyz(primaries).T
    return srgb_encoded(xyz @ np.linalg.inv(to_xyz(SRGB)).T) * 255


def from_srgb(levels: np.ndarray, primaries, encoded) -> np.ndarray:
    """uint8 (…, 3) sRGB → uint8 of a wider colour space."""
    xyz = srgb_linear(levels.astype(np.float64) / 255) @ to_xyz(SRGB).T
    return (encoded(np.clip(xyz @ np.linalg.inv(to_xyz(primaries)).T, 0, 1)) * 255).round().astype(np.uint8)


def rgb_profile(name: str, primaries, curve: float | None) -> bytes:
    """A matrix profile; ``curve`` is a gamma, or None for sRGB's own curve as a table."""
    adapt = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ D65)) @ BRADFORD
    columns = (adapt @ to_xyz(primaries)).T
    tags = {b"desc": _description(name), b"cprt": _text(b"text", "none"), b"wtpt": _xyz(D50)}
    for letter, column in zip(b"rgb", columns, strict=True):
        tags[bytes([letter]) + b"XYZ"] = _xyz(column)
        tags[bytes([letter]) + b"TRC"] = _curve(curve)
    return _profile(b"RGB ", b"XYZ ", tags)


def grey_profile(name: str, gamma: float | None) -> bytes:
    tags = {b"desc": _description(name), b"cprt": _text(b"text", "none"), b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)}
    return _profile(b"GRAY", b"XYZ ", tags)


def cmyk_profile(name: str) -> bytes:
    """Ink that is read as a grey of L* = 100 − K·100, whatever C, M and Y are: lut8Type with a 2⁴ grid, PCS Lab."""
    ramp = bytes(range(256))
    grid = bytes(value for node in range(16) for value in (0 if node & 1 else 255, 128, 128))
    matrix = struct.pack(">9i", *(65536 if i in (0, 4, 8) else 0 for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + grid + ramp * 3
    tags = {b"desc": _description(name), b"cprt": _text(b"text", "none"), b"wtpt": _xyz(D50)}
    return _profile(b"CMYK", b"Lab ", tags | {b"A2B0": lut, b"A2B1": lut})


def _profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = start + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, kind, space, pcs) + b"\0" * 12 + b"acsp"
    header += b"\0" * 28 + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return header.ljust(128, b"\0") + table + body


def _xyz(value: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in value))


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    table = (srgb_linear(np.linspace(0, 1, 1024)) * 65535).round().astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()


def _text(kind: bytes, text: str) -> bytes:
    return kind + b"\0\0\0\0" + text.encode() + b"\0"


def _description(name: str) -> bytes:
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * (4 + 4 + 2 + 1 + 67)
