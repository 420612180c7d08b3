"""pix2pix, ChromaGAN, Deshpande 2017 and iColoriT: sizes, counts and samples."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.parts.networks.chromagan import ChromaGAN
from zoo.parts.networks.deshpande2017 import Deshpande2017, edges
from zoo.parts.networks.icolorit import IColoriT, sine_positions
from zoo.parts.networks.pix2pix import Pix2Pix

SMALL = {
    "pix2pix": lambda: Pix2Pix(width=16, depth=5),
    "chromagan": lambda: ChromaGAN(width=16),
    "deshpande2017": lambda: Deshpande2017(width=16),
    "icolorit": lambda: IColoriT(width=16, depth=5),
}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def condition_of(n: int = 2, side: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(n, 1, side, side, generator=generator) * 2 - 1
    return torch.cat((lightness, torch.zeros(n, 3, side, side)), dim=1)


@pytest.mark.parametrize("name", SMALL)
def test_any_size_and_from_near_grey(name: str) -> None:
    torch.manual_seed(0)
    colorizer = Colorizer(SMALL[name]()).eval()
    for height, width in ((64, 64), (65, 97), (1, 1)):
        with torch.no_grad():
            ab = colorizer(condition_of(1, 128)[..., :height, :width])["ab"]
        assert ab.shape == (1, 2, height, width)
        assert float(ab.abs().mean()) * AB_SCALE < 6


def test_pix2pix_has_the_published_count() -> None:
    with torch.device("meta"):
        # The authors' code prints 54.414 M for unet_256 with three channels in and out.
        assert count(Pix2Pix(in_channels=3, out_channels=3)) == 54_413_955
        ours = Pix2Pix()
    # Ours: one more channel in, one less out.
    assert count(ours) == 54_413_955 + 64 * 16 - (128 * 16 + 1)
    shapes: list[tuple[int, ...]] = []
    for stage in ours.up:
        stage.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    with torch.device("meta"):
        ours.eval()(torch.empty(1, 4, 256, 256))
    assert shapes == [
        (512, 2, 2),
        (512, 4, 4),
        (512, 8, 8),
        (512, 16, 16),
        (256, 32, 32),
        (128, 64, 64),
        (64, 128, 128),
    ]
    assert ours.noisy == (True, True, True, False, False, False, False)


@pytest.mark.parametrize(("width", "published"), [(192, 6_444_740), (384, 23_505_800), (768, 89_478_416)])
def test_icolorit_has_the_count_of_its_public_code(width: int, published: int) -> None:
    """As its authors' module counts, built with the options of their training script."""
    with torch.device("meta"):
        assert count(IColoriT(width=width)) == published


def test_icolorit_shuffles_pixels_of_its_own_patch() -> None:
    torch.manual_seed(0)
    network = IColoriT(width=16, depth=1).eval()
    reached = condition_of(1).requires_grad_()
    with torch.no_grad():
        for layer in network.layers:
            layer.attention.project.weight.zero_()  # leaves only the neighbourhood of the stabilising layer
    network(reached)["ab"][0, :, :16, :16].sum().backward()
    assert reached.grad is not None
    seen = reached.grad.abs().sum((0, 1)).view(4, 16, 4, 16).amax((1, 3)) > 0
    assert seen.tolist() == [[True, True, False, False]] * 2 + [[False] * 4] * 2


def test_sine_positions_are_the_formula() -> None:
    positions = sine_positions(7, 6, torch.device("cpu"))[0].double()
    for token in range(7):
        for j in range(6):
            angle = torch.tensor(token / 10000 ** (2 * (j // 2) / 6), dtype=torch.float64)
            expected = angle.cos() if j % 2 else angle.sin()
            assert float(positions[token, j]) == pytest.approx(float(expected), abs=1e-6)


def test_icolorit_refuses_heads_that_do_not_divide() -> None:
    with pytest.raises(BadInput, match="heads"):
        IColoriT(width=192, heads=5)


def test_deshpande_has_the_layers_of_its_public_code() -> None:
    def layers(*shapes: tuple[int, ...], biases: bool = True, norms: bool = True) -> int:
        return sum(o * i * k * k + o * (biases + 2 * norms) for i, o, k in shapes)

    with torch.device("meta"):
        network = Deshpande2017()
    decoder = layers((64, 1024, 4), (1024, 512, 5), (514 + 3, 256, 5), (258 + 3, 128, 5), (128, 2, 5))  # + 3: hints
    assert count(network.decoder) == decoder
    density = layers((512, 384, 5), (384, 320, 5), (320, 288, 5), (288, 256, 5), (256, 128, 5), biases=False)
    assert count(network.density) == density + (14 * 14 * 128 + 1) * 4096 + (4096 + 1) * 65 * 8


def test_deshpande_sees_grey_edges() -> None:
    image = torch.tensor([[1.0, 3.0], [6.0, 10.0]])[None, None]
    down, across = edges(image)
    assert down[0, 0].tolist() == [[0, 0], [5, 7]]
    assert across[0, 0].tolist() == [[0, 2], [0, 4]]


def test_deshpandes_colours_are_those_of_the_likeliest_code() -> None:
    torch.manual_seed(0)
    network = Deshpande2017(width=8).eval()
    condition = condition_of()
    with torch.no_grad():
        prediction = network(condition)
        best = prediction["mixture_logits"].argmax(1)
        code = prediction["mixture_means"][torch.arange(2), best]
        torch.testing.assert_close(prediction["ab"], network.decode(code, condition))


def test_deshpandes_decoder_places_a_hint() -> None:
    torch.manual_seed(0)
    network = Deshpande2017(width=8).eval()
    plain = torch.zeros(1, 4, 256, 256)
    hinted = plain.clone()
    hinted[0, 1:, 40, 200] = 1  # one pixel of 65,536
    with torch.no_grad():
        code = torch.zeros(1, network.latent)
        change = (network.decode(code, hinted) - network.decode(code, plain)).abs().sum((0, 1))
    assert float(change[2:18, 42:58].max()) > 0  # a quarter of 256: around (10, 50)
    assert float(change[:, :24].max()) == 0
    assert float(change[36:].max()) == 0


@pytest.mark.parametrize("name", ["pix2pix", "deshpande2017"])
def test_samples_differ_and_repeat(name: str) -> None:
    torch.manual_seed(0)
    network = SMALL[name]().eval()
    condition = condition_of()
    with torch.no_grad():
        drawn = [network.sample(condition, 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
        again = [network(condition)["ab"] for _ in range(2)]
    assert drawn[0].shape == (2, 3, 2, 64, 64)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0][:, 0], drawn[0][:, 1])
    assert torch.equal(again[0], again[1])


def test_chromagan_has_the_layers_of_its_public_code() -> None:
    def convolutions(*shapes: tuple[int, ...], norms: bool = False) -> int:
        return sum(o * i * k * k + o * (3 if norms else 1) for i, o, k in shapes)

    vgg = [(4, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), *[(512, 512)] * 2]
    trunk = convolutions(*((i, o, 3) for i, o in vgg))
    streams = convolutions(*[(512, 512, 3)] * 5, (512, 256, 3), norms=True)
    colours = convolutions((512, 256, 1), (256, 128, 3), (128, 64, 3), (64, 64, 3), (64, 32, 3), (32, 2, 3))
    widths = [(25088, 1024), (1024, 512), (512, 256), (25088, 4096), (4096, 4096), (4096, 1000)]
    linear = sum((i + 1) * o for i, o in widths)
    with torch.device("meta"):
        network = ChromaGAN()
        prediction = network(torch.empty(2, 4, 224, 224))
    assert count(network) == trunk + streams + colours + linear
    assert prediction["ab"].shape == (2, 2, 112, 112)
    assert prediction["class_logits"].shape == (2, 1000)
