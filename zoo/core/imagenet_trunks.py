"""The classifiers of torchvision whose features distances are taken in: where their ImageNet weights are published."""

from __future__ import annotations

from pathlib import Path

from zoo.core.download import fetch

# What torchvision's IMAGENET1K_V1 weights name, without importing torchvision: a file's name ends in its hash.
TRUNKS = {
    name: f"https://download.pytorch.org/models/{file}.pth"
    for name, file in {
        "alexnet": "alexnet-owt-7be5be79",
        "squeezenet1_1": "squeezenet1_1-b8a52dc0",
        "vgg16": "vgg16-397923af",
    }.items()
}


def trunk_sha256(name: str) -> str:
    """The first digits of the file's SHA-256."""
    return TRUNKS[name].rpartition("-")[2].removesuffix(".pth")


def trunk_file(name: str, what: str, mend: str, *, download: bool = True) -> Path:
    """The file, from torch's cache or downloaded into it; see :func:`zoo.core.download.fetch`.

    Raises:
        Unavailable: not there and not to be had, or there and damaged.
    """
    return fetch(TRUNKS[name], trunk_sha256(name), what, mend, download=download)
