import pytest
import torch

from zoo.harness.metrics.exact import exact_float32


def interrupted():
    with exact_float32(torch.device("cpu")):
        assert torch.get_float32_matmul_precision() == "highest"
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.is_grad_enabled()
        raise InterruptedError


def test_precision_is_full_inside_and_as_before_outside():
    torch.set_float32_matmul_precision("high")
    try:
        with pytest.raises(InterruptedError):
            interrupted()
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.is_grad_enabled()
    finally:
        torch.set_float32_matmul_precision("highest")
