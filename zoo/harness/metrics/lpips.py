"""LPIPS (Zhang, Isola, Efros, Shechtman, Wang 2018, arXiv:1801.03924): AlexNet, linear layers v0.1.

The layers are part of the ``lpips`` package; the trunk is torchvision's AlexNet, a download. Where
it cannot be had this metric is :class:`~zoo.core.errors.Unavailable`: a distance between random
features would look like a number and mean nothing.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.core.download import trunk_file, trunk_sha256
from zoo.core.errors import BadInput, Unavailable
from zoo.core.files import sha256_of
from zoo.core.ingredients import of_distribution
from zoo.core.state_dict import read_tensors
from zoo.harness.metrics.exact import exact_float32

SHA256_PREFIX = trunk_sha256("alexnet")
_MEND = "give the file with `--lpips-trunk FILE`, or fill the column in later with `zoo eval RUN --metrics lpips`"

SMALLEST = 31
"""Below this side AlexNet's poolings run out of pixels."""


class LPIPS:
    """LPIPS, AlexNet, v0.1: 0 for identical images. Images with a side under 31 px score NaN.

    Args:
        trunk: torchvision's AlexNet as a local file, ``.pth`` or ``.safetensors``. The numbers of any file but
            torchvision's own may be others (random weights fit too): it is said in :attr:`version`, and :attr:`name`
            is ``lpips_`` and the first digits of its SHA-256, a column of its own that no other row is compared in.
        download: whether to fetch the trunk when neither ``trunk`` nor torch's cache has it.

    Raises:
        Unavailable: there is no trunk, or the ``lpips`` package cannot be imported.
        BadInput: ``trunk`` cannot be read, or is not an AlexNet.
    """

    name = "lpips"
    higher_is_better = False
    version = "alex-v0.1"

    @staticmethod
    def ingredients(*, trunk: str | Path | None, **_: object) -> dict[str, str]:
        """The package with the linear layers; and a trunk that is given, unless it is torchvision's."""
        digest = _digest(Path(trunk)) if trunk else SHA256_PREFIX
        other = {} if digest.startswith(SHA256_PREFIX) else {"trunk": digest}
        return {"lpips": of_distribution("lpips"), **other}

    def __init__(self, trunk: str | Path | None = None, download: bool = True) -> None:
        if trunk is None:
            file, digest = trunk_file("alexnet", "lpips: the AlexNet trunk", _MEND, download=download), SHA256_PREFIX
        else:
            file = Path(trunk)
            digest = _digest(file)
        if not digest.startswith(SHA256_PREFIX):
            self.version = f"{LPIPS.version}-trunk-{digest[:8]}"
            self.name = f"{LPIPS.name}_{digest[:8]}"
        self._net = _net(file, digest)

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32."""
        device = target.device
        if min(target.shape[-2:]) < SMALLEST:
            return torch.full((len(target),), torch.nan, device=device)
        net = self._net.to(device)
        with exact_float32(device):
            distances: Tensor = net(prediction.float() / 127.5 - 1, target.float() / 127.5 - 1).flatten()
            return distances


@lru_cache(maxsize=2)
def _net(file: Path, digest: str) -> Any:
    """The package's network with this trunk in it; ``digest`` keeps a rewritten file from being reused."""
    weights = read_tensors(file)
    try:
        from lpips import LPIPS as Package
    except (ImportError, RuntimeError) as error:  # torchvision of another torch build: RuntimeError
        raise Unavailable(f"lpips: the package cannot be imported ({error}); install lpips anew.") from error
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        # It asks torchvision for an empty AlexNet in a way that torchvision has deprecated.
        warnings.simplefilter("ignore")
        net = Package(net="alex", version="0.1", pnet_rand=True, verbose=False)
    # The package's slice1.0.weight is torchvision's features.0.weight, and so on.
    names = {key: "features." + key.partition(".")[2] for key in net.net.state_dict()}
    missing = sorted(name for name in names.values() if name not in weights)
    if missing:
        raise BadInput(f"lpips: the trunk {file} lacks {missing[0]!r}; give a torchvision AlexNet state dict.")
    try:
        net.net.load_state_dict({key: weights[name] for key, name in names.items()})
    except RuntimeError as error:
        raise BadInput(
            f"lpips: the trunk {file} has weights of other shapes than AlexNet's; "
            "give a torchvision AlexNet state dict."
        ) from error
    return net.requires_grad_(False).eval()


def _digest(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as error:
        raise BadInput(
            f"lpips: the trunk {file} cannot be read ({error.strerror}); "
            "give a torchvision AlexNet state dict, .pth or .safetensors."
        ) from error
