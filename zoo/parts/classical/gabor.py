"""Gabor energy: how strongly a photo waves, at some lengths and in some directions, around every pixel."""

from __future__ import annotations

import math

import numpy as np

WAVELENGTHS = tuple(3.0 * math.sqrt(2.0) ** k for k in range(5))
"""Pixels: 3 to 12, half an octave apart."""

DIRECTIONS = 8

_BANDWIDTH = 0.5
"""Standard deviation of a filter's transfer function as a share of its frequency."""


def gabor_energy(lightness: np.ndarray) -> np.ndarray:
    """The magnitude of 5 wavelengths × 8 directions of complex Gabor filters.

    The filters are Gaussians in the frequency domain, of unit gain; the photo is mirrored at its border.

    Args:
        lightness: (H, W).

    Returns:
        (40, H, W) float64.
    """
    height, width = lightness.shape
    margin = math.ceil(WAVELENGTHS[-1])
    spectrum = np.fft.fft2(np.pad(lightness - lightness.mean(), margin, mode="symmetric"))
    down = np.fft.fftfreq(spectrum.shape[0])[:, None]
    across = np.fft.fftfreq(spectrum.shape[1])
    energy = np.empty((len(WAVELENGTHS) * DIRECTIONS, height, width))
    for number in range(len(energy)):
        frequency = 1 / WAVELENGTHS[number // DIRECTIONS]
        turn = math.pi * (number % DIRECTIONS) / DIRECTIONS
        away = (down - frequency * math.sin(turn)) ** 2 + (across - frequency * math.cos(turn)) ** 2
        response = np.fft.ifft2(spectrum * np.exp(-away / (2 * (_BANDWIDTH * frequency) ** 2)))
        energy[number] = np.abs(response[margin : margin + height, margin : margin + width])
    return energy
