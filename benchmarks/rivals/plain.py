"""(a) A plain PyTorch loop as people write it: a Dataset of files by Pillow and scikit-image, a DataLoader, AdamW."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.color import lab2rgb, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.rivals.contestant import Pace
from benchmarks.rivals.task import BATCH, LOADED, Case, Question, colorizer, files, questions

DENSITIES = (0.05, 0.03, 0.01, 0.005)
RATE = 1e-3


class Photos(Dataset):
    """Condition (4, S, S) and ab (2, S, S) of a random crop of a photo, mirrored by chance, with random hints."""

    def __init__(self, px: int):
        self.files, self.px = files(), px

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        side, rng = LOADED[self.px], np.random.default_rng()
        photo = Image.open(self.files[index]).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        top, left = rng.integers(0, side - self.px + 1, 2)
        rgb = np.asarray(photo)[top : top + self.px, left : left + self.px]
        if rng.random() < 0.5:
            rgb = rgb[:, ::-1]
        lab = rgb2lab(rgb).astype(np.float32).transpose(2, 0, 1)
        lightness, ab = lab[:1] / 50 - 1, lab[1:] / 110
        mask = (rng.random((1, self.px, self.px)) < rng.choice(DENSITIES)).astype(np.float32)
        return torch.from_numpy(np.concatenate((lightness, ab * mask, mask))), torch.from_numpy(ab.copy())


def loader(case: Case) -> DataLoader:
    return DataLoader(
        Photos(case.px),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
        pin_memory=case.device.type == "cuda",
    )


def forever(batches: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from batches


def train(case: Case, pace: Pace) -> None:
    model = colorizer(case).to(case.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    pace.evaluate = lambda: scores(model, questions(case))
    half = torch.bfloat16 if case.precision == "bf16" else torch.float16
    for condition, ab in forever(loader(case)):
        condition, ab = (each.to(case.device, non_blocking=True) for each in (condition, ab))
        with torch.autocast(case.device.type, dtype=half, enabled=case.precision != "fp32"):
            loss = F.l1_loss(model(condition)["ab"], ab)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not pace.step_done():
            return


@torch.no_grad()
def scores(model: nn.Module, asked: list[Question]) -> dict[str, float]:
    """Mean PSNR and SSIM of the validation photos, photo by photo with scikit-image."""
    model.eval()
    psnr, ssim = [], []
    for condition, lightness, truth in asked:
        ab = model(condition)["ab"]
        lab = torch.cat(((lightness + 1) * 50, ab * 110), dim=1).cpu().numpy().transpose(0, 2, 3, 1)
        for each, rgb in zip(lab, truth.cpu().numpy().transpose(0, 2, 3, 1), strict=True):
            answer = (lab2rgb(each) * 255).round().astype(np.uint8)
            psnr.append(peak_signal_noise_ratio(rgb, answer))
            gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
            ssim.append(structural_similarity(rgb, answer, channel_axis=2, **gaussian))
    model.train()
    return {"psnr": float(np.mean(psnr)), "ssim": float(np.mean(ssim))}
