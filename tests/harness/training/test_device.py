"""What is chosen for a GPU, and asked of one, held without one: the answers are handed in."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.harness.scoring.costs import peak_memory_mb
from zoo.harness.training import device as devices

ZOO = Path(devices.__file__).parents[2]
GPU, CPU = torch.device("cuda"), torch.device("cpu")


class Cards:
    """Two GPUs of a compute capability, in the place of ``torch.cuda``; it keeps what it was told."""

    def __init__(self, capability: tuple[int, int]):
        self.capability, self.waited, self.state = capability, [], torch.arange(16, dtype=torch.uint8)

    def is_available(self):
        return True

    def device_count(self):
        return 2

    def get_device_capability(self, device):
        return self.capability

    def is_bf16_supported(self):
        return True  # torch counts emulation

    def get_device_name(self, device):
        return "Some GPU"

    def get_device_properties(self, index):
        return SimpleNamespace(name="Some GPU", total_memory=(index + 1) * 2**30)

    def synchronize(self, device):
        self.waited.append(device)

    def max_memory_allocated(self, device):
        return 3 * 2**20

    def get_rng_state(self, device):
        return self.state

    def set_rng_state(self, state, device):
        self.state = state


@pytest.fixture
def cards(request, monkeypatch):
    found = Cards(getattr(request, "param", (9, 0)))
    monkeypatch.setattr(devices, "CUDA", found)
    return found


def test_one_file_speaks_to_the_gpus():
    asking = re.compile(r"torch\.cuda\b|from torch import .*\bcuda\b|\.cuda\(|\bpin_memory")
    found = {str(path.relative_to(ZOO)) for path in ZOO.rglob("*.py") if asking.search(path.read_text("utf-8"))}
    assert found == {"harness/training/device.py"}


@pytest.mark.parametrize(
    ("cards", "precision"),
    [((6, 1), "fp16"), ((7, 5), "fp16"), ((8, 0), "bf16"), ((8, 9), "bf16"), ((10, 0), "bf16")],
    indirect=["cards"],
)
def test_auto_is_the_half_precision_that_the_gpu_computes_in(cards, precision):
    assert devices.pick_precision("auto", GPU) == precision
    assert devices.pick_precision("fp32", GPU) == "fp32"
    assert devices.pick_precision("bf16", GPU) == "bf16"


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_auto_is_fp32_where_there_is_no_gpu_of_that_kind(device):
    assert devices.pick_precision("auto", torch.device(device)) == "fp32"


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_precision_is_that_of_matrix_products(precision, dtype):
    one = torch.ones(2, 2)
    with devices.autocast(precision, CPU):
        assert (one @ one).dtype == dtype
    assert devices.loss_scaler(precision, CPU).is_enabled() == (precision == "fp16")


def test_auto_takes_the_gpu_that_is_there(cards):
    assert devices.pick_device("auto") == GPU
    assert devices.describe(GPU) == "Some GPU"


def test_clocks_wait_for_a_gpu_and_for_nothing_else(cards):
    devices.finish(GPU)
    devices.finish(CPU)
    assert cards.waited == [GPU]


def test_memory_of_a_gpu_is_what_tensors_took_of_it(cards):
    assert peak_memory_mb(GPU) == 3


def test_the_random_state_of_a_gpu_travels(cards):
    states = devices.random_states(GPU)
    drawn = torch.rand(3)
    cards.state = torch.zeros(16, dtype=torch.uint8)
    devices.set_random_states(states, GPU)
    assert torch.equal(torch.rand(3), drawn)
    assert torch.equal(cards.state, torch.arange(16, dtype=torch.uint8))
    assert set(devices.random_states(CPU)) == {"torch_random"}


def test_the_doctor_lists_the_gpus(cards):
    said = CliRunner().invoke(cli, ["doctor"]).output
    assert re.search(r"cuda:0 +Some GPU, 1 GiB", said)
    assert re.search(r"cuda:1 +Some GPU, 2 GiB", said)
    assert "cpu only" not in said
