"""The U-Net family at full size, against the counts of its most used public implementation.

U_Net, AttU_Net, R2U_Net and R2AttU_Net of github.com/LeeJunHyun/Image_Segmentation (network.py at 5e9da93).

Those count convolutions with a bias in front of a batch norm, which takes the bias out again; ours have none. The
difference must be exactly these biases. 3 channels in and 1 out, as there.
"""

import pytest
import torch
from torch import nn

from zoo.parts.decoders.unet import UNetDecoder
from zoo.parts.encoders.conv import ConvEncoder

WIDTHS = [64, 128, 256, 512, 1024]
RISES = sum(WIDTHS[:-1])

# Per level: two biases in the encoder's block; one of the upsampling and two of the block in the decoder.
IN_BLOCKS = 2 * sum(WIDTHS) + 3 * RISES
# Per gate: W_g and W_x with C / 2 channels each, psi with one.
IN_GATES = RISES + 4

PUBLISHED = [
    ("double_conv", "concat", 34_527_041, IN_BLOCKS),
    ("double_conv", "attention_gate", 34_878_573, IN_BLOCKS + IN_GATES),
    ("recurrent_residual", "concat", 39_091_393, IN_BLOCKS),
    ("recurrent_residual", "attention_gate", 39_442_925, IN_BLOCKS + IN_GATES),
]


@pytest.mark.parametrize(("block", "skip", "published", "biases"), PUBLISHED)
def test_equals_the_published_count_less_the_idle_biases(block, skip, published, biases):
    with torch.device("meta"):
        encoder = ConvEncoder(3, block=block)
        decoder = UNetDecoder(encoder.levels, block=block, skip=skip)
        last = nn.Conv2d(decoder.channels, 1, 1)
    count = sum(p.numel() for part in (encoder, decoder, last) for p in part.parameters())
    assert count + biases == published


def test_unet_equals_the_closed_formula():
    """9·in·out weights and 2 parameters of the norm a convolution."""
    with torch.device("meta"):
        encoder = ConvEncoder(4)
        decoder = UNetDecoder(encoder.levels)
    ins = [4, *WIDTHS[:-1]]
    down = sum(9 * a * b + 9 * b * b + 4 * b for a, b in zip(ins, WIDTHS, strict=True))
    up = sum(9 * 2 * c * c + 2 * c + 9 * 2 * c * c + 9 * c * c + 4 * c for c in WIDTHS[:-1])
    assert sum(p.numel() for part in (encoder, decoder) for p in part.parameters()) == down + up
