"""Attention over a grid against the formula written out."""

from __future__ import annotations

import torch

from zoo.parts.networks.icolorit import GridAttention


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
