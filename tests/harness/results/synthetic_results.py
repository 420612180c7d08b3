"""A results folder written by the store's own API, without training: real photos, blurred and recoloured."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.harness.results.pictures import (
    HINTED,
    LEVEL_PHOTOS,
    save_photos,
    save_predictions,
    shown_levels,
    spread,
)
from zoo.harness.results.protocol import SweptHints
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import LogEntry, RunFolder, SweepScore

PHOTOS = Path(__file__).parents[3] / "zoo" / "harness" / "data" / "photos" / "validation"
SWEPT = {"sweep": "points6", "level": 0, "photos": 16, "psnr": 21.0, "hint_error": None}
COUNTS, DENSITIES = (0, 1, 2, 5, 10, 20, 50, 100, 200), (0.005, 0.01, 0.03, 0.05)


def truth(count: int, side: int = 64) -> tuple[list[str], Tensor]:
    """Names and uint8 (count, 3, side, side)."""
    paths = sorted(PHOTOS.glob("*.jpg"))[:count]
    pictures = [np.array(Image.open(path).convert("RGB").resize((side, side))) for path in paths]
    return [path.stem for path in paths], torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def write_results(
    folder: Path,
    models: list[str],
    *,
    photos: int = 16,
    seeds: int = 2,
    failing: tuple[tuple[str, str, str], ...] = (("broken_one", "plugin_error", "its module is gone"),),
    pictures: bool = True,
    hints: bool = True,
    protocol: str = "0123456789ab",
    first: int = 0,
    gain: float = 0.35,
) -> None:
    """Runs of ``models``, the first the best; the last two are baselines that are not trained.

    ``first`` is the number of the first model's folder.
    """
    names, rgb = truth(photos)
    grey = rgb.float().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    rng = np.random.default_rng(7)
    difficulty = rng.normal(0, 2.5, photos)
    for place, model in enumerate(models, first):
        baseline = place >= first + len(models) - 2
        for seed in range(seeds):
            psnr = 27 - gain * place + difficulty + rng.normal(0, 0.3, photos)
            run = RunFolder(folder / "runs" / f"model{place}" / f"seed{seed}-{place:012x}")
            run.path.mkdir(parents=True)
            run.write_scores(names, {"psnr": list(psnr), "ssim": list(0.8 + psnr / 300), "delta_e00": list(40 - psnr)})
            curve = [
                {"step": step, "seconds": step * 0.1 * (1 + place), "psnr": float(psnr.mean()) - 200 / (step + 40)}
                for step in (32, 64, 96, 128, 160)
            ]
            if not baseline:
                for step in range(10, 161, 10):
                    loss = float(0.1 * (1 + place / 9) * (0.3 + np.exp(-step / 60)) + rng.uniform(0, 0.01))
                    run.append_log(LogEntry(step, step * 0.1, {"colorizer": loss, "colorizer/l1": loss}))
            if pictures:
                share = 0.85 - 0.8 * place / len(models)
                predicted = (share * rgb.float() + (1 - share) * grey).round().to(torch.uint8)
                save_predictions(run.path, predicted)
                if hints:
                    save_predictions(run.path, _at_levels(predicted), HINTED)
            if hints:
                run.write_hint_scores(_hint_scores(names, place))
            costs = {
                "params_m": 0.0 if baseline else 1.5 * 1.4 ** min(place, 40),
                "gflops": 0.0 if baseline else 0.8 * 1.3 ** (place % 5),
                "train_img_s": None if baseline else 700 / (1 + place * 0.6),
                "infer_ms": 0.5 + 3 * ((place * 7) % 11),
                "peak_mem_mb": 500.0 + 40 * place,
                "train_s": 0.0 if baseline else 12.0 * (1 + place),
            }
            write(
                run,
                {
                    **_head(model, place, seed, protocol, photos),
                    "status": "ok",
                    "error": "",
                    "baseline": baseline,
                    "notes": ["lpips: AlexNet's weights are not here; give --lpips-trunk"],
                    "scores": {"psnr": float(psnr.mean())},
                    "images": photos,
                    "costs": costs,
                    **({"hints": [SWEPT]} if hints else {}),
                    "steps": 160,
                    "curve": [] if baseline else curve,
                    "precision": "fp32",
                },
            )
    for place, (model, status, error) in enumerate(failing, first + len(models)):
        run = RunFolder(folder / "runs" / f"model{place}" / f"seed0-{place:012x}")
        run.path.mkdir(parents=True)
        write(run, {**_head(model, place, 0, protocol, photos), "status": status, "error": error})
    if pictures:
        dots = grey.clone().to(torch.uint8)
        dots[:, :, 20:23, 20:23] = rgb[:, :, 21:22, 21:22]
        dots[:, :, 45:48, 36:39] = rgb[:, :, 46:47, 37:38]
        save_photos(folder, protocol, grey.to(torch.uint8), dots, rgb)
        if hints:
            save_photos(folder, protocol, _at_levels(dots), rgb[spread(photos, LEVEL_PHOTOS)], hinted=True)


def _at_levels(pictures: Tensor) -> Tensor:
    """The same pictures for every number of hints that is shown: (photos · levels, 3, H, W)."""
    _, levels = shown_levels({"points6": SweptHints("points", counts=list(COUNTS))}) or ("", [])
    return pictures[spread(len(pictures), LEVEL_PHOTOS), None].expand(-1, len(levels), -1, -1, -1).flatten(0, 1)


def write(run: RunFolder, row: dict[str, object]) -> None:
    run.write_record(msgspec.convert(row, RunRecord))


def _head(model: str, place: int, seed: int, protocol: str, photos: int) -> dict[str, object]:
    budget = {"steps": 160, "epochs": None, "seconds": None}
    sweeps = {
        "points6": {"hints": {"name": "points", "sizes": 6, "positions": "gaussian"}, "counts": COUNTS},
        "pixels": {"hints": "pixels", "densities": DENSITIES},
    }
    train_hints = {"name": "pixels", "densities": [0.05, 0.03, 0.01]}
    return {
        "model": f"model{place}",
        "label": model,
        "seed": seed,
        "key": f"{place:012x}",
        "suite": "quick",
        "protocol": {
            "fingerprint": protocol,
            "version": 1,
            "size": 64,
            "load_size": 72,
            "fit": "crop",
            "eval_hints": {"name": "pixels:1", "densities": [0.005]},
            "batch": 16,
            "budget": budget,
            "metrics": ["psnr:1", "ssim:1", "delta_e00:1"],
            "sweeps": sweeps,
        },
        "data": {"train": {"source": "photos", "photos": 284}, "test": {"source": "photos", "photos": photos}},
        "recipe": "default",
        "spec": None,
        "plan": {
            "suite": {
                "name": "quick",
                "summary": "64 px, two cores, minutes",
                "train_hints": train_hints,
                "sweeps": sweeps,
            }
        },
        "provenance": {
            "zoo": "0.1.0",
            "torch": "2.6.0",
            "python": "3.11",
            "device": "cpu",
            "commit": "abc1234",
            "finished": "2026-01-02T03:04:05Z",
        },
    }


def _hint_scores(names: list[str], place: int) -> list[SweepScore]:
    return [
        SweepScore(sweep, level, name, 21 + i % 5 - 0.2 * place + (1.2 - 0.05 * place) * np.log1p(level * scale), 3.2)
        for sweep, levels, scale in (("points6", COUNTS, 1), ("pixels", DENSITIES, 1000))
        for level in levels
        for i, name in enumerate(names)
    ]
