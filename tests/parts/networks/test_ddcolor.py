"""DDColor against its authors' forward pass, written out from the names and shapes of their checkpoint."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from skimage.color import lab2rgb

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.parts.networks.ddcolor import DDColor

STAGES, WIDTH, COLOURS, QUERIES, LAYERS = (1, 2, 1, 1), 4, 64, 5, 4
WIDTHS = [WIDTH * 2**i for i in range(4)]


def published_layout(stages, widths, colours, queries, layers) -> dict[str, tuple[int, ...]]:
    """Every name of the public state dict with its shape, as the public classes come to them."""
    shapes: dict[str, tuple[int, ...]] = {"mean": (1, 3, 1, 1), "std": (1, 3, 1, 1)}

    def affine(name, channels):
        shapes.update({f"{name}.weight": (channels,), f"{name}.bias": (channels,)})

    def linear(name, before, after, *kernel):
        shapes.update({f"{name}.weight": (after, before, *kernel), f"{name}.bias": (after,)})

    def spectral(name, before, after, kernel, bias):
        values = before * kernel**2
        shapes.update(
            {
                f"{name}.weight_orig": (after, before, kernel, kernel),
                f"{name}.weight_u": (after,),
                f"{name}.weight_v": (values,),
            }
        )
        if bias:
            shapes[f"{name}.bias"] = (after,)

    def batch_norm(name, channels):
        affine(name, channels)
        shapes.update({f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)})
        shapes[f"{name}.num_batches_tracked"] = ()

    arch = "encoder.arch"
    for i, (blocks, width) in enumerate(zip(stages, widths, strict=True)):
        if i == 0:
            linear(f"{arch}.downsample_layers.0.0", 3, width, 4, 4)
            affine(f"{arch}.downsample_layers.0.1", width)
        else:
            affine(f"{arch}.downsample_layers.{i}.0", widths[i - 1])
            linear(f"{arch}.downsample_layers.{i}.1", widths[i - 1], width, 2, 2)
        for j in range(blocks):
            block = f"{arch}.stages.{i}.{j}"
            shapes[f"{block}.gamma"] = (width,)
            linear(f"{block}.dwconv", 1, width, 7, 7)
            affine(f"{block}.norm", width)
            linear(f"{block}.pwconv1", width, 4 * width)
            linear(f"{block}.pwconv2", 4 * width, width)
        affine(f"{arch}.norm{i}", width)
    affine(f"{arch}.norm", widths[-1])
    coarse = widths[3]
    for i, (skip, out) in enumerate(zip(widths[2::-1], (2 * colours, 2 * colours, colours), strict=True)):
        layer = f"decoder.layers.{i}"
        spectral(f"{layer}.shuf.conv.0", coarse, 4 * out, 1, bias=False)
        batch_norm(f"{layer}.shuf.conv.1", 4 * out)
        batch_norm(f"{layer}.bn", skip)
        spectral(f"{layer}.conv.0", out + skip, out, 3, bias=False)
        batch_norm(f"{layer}.conv.2", out)
        coarse = out
    spectral("decoder.last_shuf.conv.0", colours, 16 * colours, 1, bias=True)
    decoder = "decoder.color_decoder"
    for i in range(layers):
        for kind, attention in (("self", "self_attn"), ("cross", "multihead_attn")):
            name = f"{decoder}.transformer_{kind}_attention_layers.{i}"
            shapes[f"{name}.{attention}.in_proj_weight"] = (3 * colours, colours)
            shapes[f"{name}.{attention}.in_proj_bias"] = (3 * colours,)
            linear(f"{name}.{attention}.out_proj", colours, colours)
            affine(f"{name}.norm", colours)
        linear(f"{decoder}.transformer_ffn_layers.{i}.linear1", colours, 8 * colours)
        linear(f"{decoder}.transformer_ffn_layers.{i}.linear2", 8 * colours, colours)
        affine(f"{decoder}.transformer_ffn_layers.{i}.norm", colours)
    affine(f"{decoder}.decoder_norm", colours)
    shapes |= {f"{decoder}.query_feat.weight": (queries, colours), f"{decoder}.query_embed.weight": (queries, colours)}
    shapes[f"{decoder}.level_embed.weight"] = (3, colours)
    for i, channels in enumerate((2 * colours, 2 * colours, colours)):
        linear(f"{decoder}.input_proj.{i}", channels, colours, 1, 1)
        linear(f"{decoder}.color_embed.layers.{i}", colours, colours)
    spectral("refine_net.0.0", queries + 3, 2, 1, bias=True)
    return shapes


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """A state dict as the public file has it, small, of numbers from a seed that keep the signal's size."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in published_layout(STAGES, WIDTHS, COLOURS, QUERIES, LAYERS).items():
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        if name.endswith("num_batches_tracked"):
            drawn = torch.tensor(7)
        elif name.endswith("running_var"):
            drawn = drawn.abs() + 0.5
        elif len(shape) > 1 and "embed.weight" not in name and "query_feat" not in name:
            drawn = drawn * (2 / math.prod(shape[1:])) ** 0.5
        elif name.endswith(("weight", "gamma")):
            drawn = 1 + 0.2 * drawn
        state[name] = drawn
    for name in [each.removesuffix("_orig") for each in state if each.endswith("_orig")]:
        matrix = state[f"{name}_orig"].flatten(1)  # vectors as a training leaves them: near the first singular ones
        state[f"{name}_v"] = F.normalize(matrix.T @ F.normalize(state[f"{name}_u"], dim=0), dim=0)
        state[f"{name}_u"] = F.normalize(matrix @ state[f"{name}_v"], dim=0)
    state["mean"] = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
    state["std"] = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
    return state


def published_forward(state: dict[str, torch.Tensor], rgb: torch.Tensor) -> torch.Tensor:
    """Grey sRGB (N, 3, H, W) float64 in [0, 1] to a* and b* in units of Lab, as the public code computes them."""

    def spectral(name):
        weight, u, v = (state[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
        return weight / torch.dot(u, torch.mv(weight.reshape(len(weight), -1), v))

    def affine(name):
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def over_channels(x, name):
        mean = x.mean(1, keepdim=True)
        x = (x - mean) / ((x - mean) ** 2).mean(1, keepdim=True).add(1e-6).sqrt()
        return state[f"{name}.weight"][:, None, None] * x + state[f"{name}.bias"][:, None, None]

    def batch_norm(x, name):
        return F.batch_norm(x, state[f"{name}.running_mean"], state[f"{name}.running_var"], *affine(name))

    def shuffled(x, scale):
        x = F.pixel_shuffle(x.relu(), scale)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)

    def attention(name, query, key, value):
        n, _, channels = query.shape
        weight, bias = state[f"{name}.in_proj_weight"], state[f"{name}.in_proj_bias"]
        q, k, v = (
            F.linear(x, w, b).view(n, -1, channels // 32, 32).transpose(1, 2)
            for x, w, b in zip((query, key, value), weight.chunk(3), bias.chunk(3), strict=True)
        )
        mixed = (q @ k.transpose(2, 3) / 32**0.5).softmax(-1) @ v
        return F.linear(mixed.transpose(1, 2).flatten(2), *affine(f"{name}.out_proj"))

    def normed(x, name, eps=1e-5):
        return F.layer_norm(x, x.shape[-1:], *affine(name), eps)

    arch = "encoder.arch"
    photo = (rgb - state["mean"]) / state["std"]
    maps, x = [], photo
    for i, blocks in enumerate(STAGES):
        down = f"{arch}.downsample_layers.{i}"
        if i == 0:
            x = over_channels(F.conv2d(x, *affine(f"{down}.0"), stride=4), f"{down}.1")
        else:
            x = F.conv2d(over_channels(x, f"{down}.0"), *affine(f"{down}.1"), stride=2)
        for j in range(blocks):
            block = f"{arch}.stages.{i}.{j}"
            y = F.conv2d(x, *affine(f"{block}.dwconv"), padding=3, groups=x.shape[1]).permute(0, 2, 3, 1)
            y = F.gelu(F.linear(normed(y, f"{block}.norm", 1e-6), *affine(f"{block}.pwconv1")))
            y = F.linear(y, *affine(f"{block}.pwconv2")) * state[f"{block}.gamma"]
            x = x + y.permute(0, 3, 1, 2)
        maps.append(over_channels(x, f"{arch}.norm{i}"))

    x, scales = maps[3], []
    for i in range(3):
        layer = f"decoder.layers.{i}"
        x = shuffled(batch_norm(F.conv2d(x, spectral(f"{layer}.shuf.conv.0")), f"{layer}.shuf.conv.1"), 2)
        x = torch.cat((x, batch_norm(maps[2 - i], f"{layer}.bn")), 1).relu()
        x = batch_norm(F.conv2d(x, spectral(f"{layer}.conv.0"), padding=1).relu(), f"{layer}.conv.2")
        scales.append(x)
    last = "decoder.last_shuf.conv.0"
    features = shuffled(F.conv2d(x, spectral(last), state[f"{last}.bias"]), 4)

    decoder = "decoder.color_decoder"
    sources, positions = [], []
    for i, each in enumerate(scales):
        source = F.conv2d(each, *affine(f"{decoder}.input_proj.{i}")).flatten(2)
        sources.append((source + state[f"{decoder}.level_embed.weight"][i][None, :, None]).transpose(1, 2))
        height, width = each.shape[-2:]
        position = torch.zeros(height, width, COLOURS, dtype=torch.float64)
        for row in range(height):
            for column in range(width):
                for channel in range(COLOURS):
                    half = channel % (COLOURS // 2)
                    place = (row + 1) / (height + 1e-6) if channel < COLOURS // 2 else (column + 1) / (width + 1e-6)
                    angle = place * 2 * math.pi / 10000 ** (2 * (half // 2) / (COLOURS // 2))
                    position[row, column, channel] = math.cos(angle) if half % 2 else math.sin(angle)
        positions.append(position.flatten(0, 1))
    place = state[f"{decoder}.query_embed.weight"]
    x = state[f"{decoder}.query_feat.weight"].expand(len(rgb), -1, -1)
    for i in range(LAYERS):
        source, position = sources[i % 3], positions[i % 3]
        name = f"{decoder}.transformer_cross_attention_layers.{i}"
        x = normed(x + attention(f"{name}.multihead_attn", x + place, source + position, source), f"{name}.norm")
        name = f"{decoder}.transformer_self_attention_layers.{i}"
        x = normed(x + attention(f"{name}.self_attn", x + place, x + place, x), f"{name}.norm")
        name = f"{decoder}.transformer_ffn_layers.{i}"
        y = F.linear(F.linear(x, *affine(f"{name}.linear1")).relu(), *affine(f"{name}.linear2"))
        x = normed(x + y, f"{name}.norm")
    x = normed(x, f"{decoder}.decoder_norm")
    for i in range(3):
        x = F.linear(x if i == 0 else x.relu(), *affine(f"{decoder}.color_embed.layers.{i}"))
    found = torch.einsum("bqc,bchw->bqhw", x, features)
    return F.conv2d(torch.cat((found, photo), 1), spectral("refine_net.0.0"), state["refine_net.0.0.bias"])


@pytest.mark.slow
def test_the_published_weights_give_the_published_output(published):
    network = DDColor(width=WIDTH, stages=STAGES, colours=COLOURS, queries=QUERIES, layers=LAYERS)
    network.load_state_dict(network.from_published({key: value.float() for key, value in published.items()}))
    colorizer = Colorizer(network).eval()
    lightness = torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(1)) * 100
    hints = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    lab = torch.cat((lightness, torch.zeros(2, 2, 64, 96)), dim=1).double().permute(0, 2, 3, 1).numpy()
    expected = published_forward(published, torch.from_numpy(lab2rgb(lab)).permute(0, 3, 1, 2))
    with torch.no_grad():
        found = colorizer(torch.cat((lightness / 50 - 1, hints), dim=1))["ab"] * 110
    assert 1 < expected.std() < 90
    torch.testing.assert_close(found.double(), expected, atol=2e-3 * expected.std().item(), rtol=0)


def test_the_names_and_shapes_are_those_of_the_public_file_at_its_size():
    with torch.device("meta"):
        network = DDColor()
    layout = published_layout((3, 3, 9, 3), [96, 192, 384, 768], 256, 100, 9)
    assert network.published_shapes() == layout
    # The public file is a zip of 220,372,845 bytes: these floats, and some 400 bytes a tensor of names and alignment.
    rest = 220_372_845 - 4 * sum(math.prod(shape) for shape in layout.values())
    assert 0 < rest < 500 * len(layout)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 55.0


def test_weights_of_another_size_are_named(published):
    with pytest.raises(BadInput, match=r"These weights are not ddcolor's: .*refine_net\.0\.0\.weight_orig has shape"):
        DDColor(width=WIDTH, stages=STAGES, colours=COLOURS, queries=7, layers=LAYERS).from_published(published)


@pytest.mark.parametrize("options", [{"colours": 40}, {"stages": (3, 3, 9)}, {"queries": 0}, {"width": 0}])
def test_a_size_that_cannot_be_is_refused(options):
    with pytest.raises(BadInput, match="ddcolor: colours is"):
        DDColor(**options)
