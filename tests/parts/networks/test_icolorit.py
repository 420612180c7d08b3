"""Attention over a grid against the formula written out, and the encoding of a photo's quarters against its loop."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.errors import BadInput
from zoo.parts.networks.icolorit import GridAttention, IColoriT


def test_attention_is_softmax_of_products_and_offset_biases() -> None:
    height, width, heads, channels = 2, 3, 2, 8
    attention = GridAttention(channels, heads, window=3).double()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())))
    x = torch.randn(1, height * width, channels, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    weights = attention.qkv.weight.view(3, heads, channels // heads, channels)
    expected = torch.zeros(height * width, channels, dtype=torch.float64)
    for head in range(heads):
        part = slice(head * channels // heads, (head + 1) * channels // heads)
        q = x[0] @ weights[0, head].T + attention.query_bias[part]
        k = x[0] @ weights[1, head].T
        v = x[0] @ weights[2, head].T + attention.value_bias[part]
        scores = q @ k.T / (channels // heads) ** 0.5
        table = attention.offset_bias.view(5, 5, heads)
        for i in range(height * width):
            for j in range(height * width):
                down, across = i // width - j // width, i % width - j % width
                scores[i, j] += table[down + 2, across + 2, head]
        expected[:, part] = scores.softmax(1) @ v
    torch.testing.assert_close(attention(x, (height, width))[0], attention.project(expected))


def test_offsets_beyond_the_window_share_its_edge() -> None:
    offsets = GridAttention(4, 1, window=2)._offsets((1, 5), torch.device("cpu"))
    assert offsets[0].tolist() == [4, 3, 3, 3, 3]
    assert offsets[4].tolist() == [5, 5, 5, 5, 4]


def rewound(network: IColoriT, photo: torch.Tensor, *, second: bool) -> torch.Tensor:
    """ab as the public code has it, quarter by quarter, from the weights and the attention of ``network``."""

    def positions(count: int, channels: int) -> torch.Tensor:
        table = torch.zeros(count, channels, dtype=torch.float64)
        for place in range(count):
            for channel in range(channels):
                angle = torch.tensor(place / 10000 ** (2 * (channel // 2) / channels), dtype=torch.float64)
                table[place, channel] = angle.cos() if channel % 2 else angle.sin()
        return table

    def attended(layer, x, grid):
        x = x + layer.attention(layer.norm_attention(x), grid)
        return x + layer.mlp(layer.norm_mlp(x))

    def local(layer, maps):
        if second:
            mean, variance = maps.mean(1, keepdim=True), maps.var(1, keepdim=True, unbiased=False)
            scale, shift = (p[:, None, None] for p in (layer.local.norm.weight, layer.local.norm.bias))
            normed = (maps - mean) / (variance + 1e-6).sqrt() * scale + shift
        else:
            mean, variance = maps.mean(3, keepdim=True), maps.var(3, keepdim=True, unbiased=False)
            normed = (maps - mean) / (variance + 1e-6).sqrt()
        return F.gelu(F.conv2d(normed, layer.local.conv.weight, padding=1, groups=maps.shape[1]))

    def as_map(x, grid):
        return x.transpose(1, 2).unflatten(2, grid)

    encoder = network.windows
    quarters = [half for rows in photo.chunk(2, 2) for half in rows.chunk(2, 3)]
    tokens = []
    for quarter in quarters:
        maps = encoder.embed(quarter)
        grid = maps.shape[-2:]
        tokens.append(maps.flatten(2).transpose(1, 2) + positions(maps[0, 0].numel(), maps.shape[1]))
    for layer in encoder.layers:
        tokens = [attended(layer, x, grid) for x in tokens]
        if second:
            one, two, three, four = (as_map(x, grid) for x in tokens)
            whole = local(layer, torch.cat((torch.cat((one, two), 3), torch.cat((three, four), 3)), 2))
            added = [half for rows in whole.chunk(2, 2) for half in rows.chunk(2, 3)]
        else:
            added = [local(layer, as_map(x, grid)) for x in tokens]
        tokens = [x + each.flatten(2).transpose(1, 2) for x, each in zip(tokens, added, strict=True)]
    one, two, three, four = (as_map(encoder.norm(x), grid) for x in tokens)
    joined = F.conv2d(
        torch.cat((torch.cat((one, two), 3), torch.cat((three, four), 3)), 2),
        encoder.merge.weight,
        encoder.merge.bias,
        stride=2,
    )
    whole = network.embed(photo)
    grid = whole.shape[-2:]
    x = joined.flatten(2).transpose(1, 2) + whole.flatten(2).transpose(1, 2) + positions(grid[0] * grid[1], 32)
    for layer in network.layers:
        x = attended(layer, x, grid)
        x = x + local(layer, as_map(x, grid)).flatten(2).transpose(1, 2)
    x = F.pad(as_map(network.norm(x), grid), (1, 1, 1, 1), mode="reflect")
    return F.pixel_shuffle(F.conv2d(x, network.stabilise.weight, network.stabilise.bias), 4).tanh()


@pytest.mark.parametrize("windows", ["separate", "joined"])
def test_quarters_are_encoded_apart_and_joined_as_in_the_public_code(windows: str) -> None:
    network = IColoriT(width=32, depth=7, patch=4, heads=2, windows=windows).double().eval()
    assert (len(network.windows.layers), len(network.layers)) == (2, 4)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(0.3 * drawn + float("norm" in name and name.endswith("weight")))
    condition = torch.randn(2, 4, 16, 24, generator=generator, dtype=torch.float64)
    seen = condition.clone()
    seen[:, 0] /= 2
    with torch.no_grad():
        found, expected = network(condition)["ab"], rewound(network, seen, second=windows == "joined")
    assert expected.abs().mean() > 0.1
    # positions are made in float32, tanh is taken in it
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("windows", "columns"), [("separate", 14), ("joined", 0)])
def test_irewindcolor_has_the_count_of_its_public_code(windows: str, columns: int) -> None:
    """Layer by layer; the first version's scales and shifts for each of 14 columns are left out here."""

    def layer(d: int) -> int:
        attention = 3 * d * d + 2 * d + 27 * 27 * 12 + d * d + d
        return 4 * d + attention + 8 * d * d + 5 * d + 9 * d + (0 if columns else 2 * d)

    patches = 4 * 8 * 8 * 192 + 192 + 4 * 16 * 16 * 768 + 768
    ends = 2 * 192 + 2 * 768 + (192 * 768 * 4 + 768) + (768 * 512 * 9 + 512)
    with torch.device("meta"):
        network = IColoriT(windows=windows)
    assert sum(p.numel() for p in network.parameters()) == patches + 4 * layer(192) + 8 * layer(768) + ends


@pytest.mark.parametrize("options", [{"width": 12}, {"depth": 2}, {"patch": 5}])
def test_windows_that_do_not_divide_are_refused(options) -> None:
    with pytest.raises(BadInput, match="iReWindColor of width"):
        IColoriT(**{"width": 16, "windows": "joined", **options})
