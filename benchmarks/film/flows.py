"""Which optical flow finds a film's frames again, and at what cost.

    python benchmarks/film/flows.py FILM [FRAME …]

From each frame (default 10, 60, 110) to the next and to the fourth after it, at 512 pixels: the mean difference in grey
levels that is left when the later one is rebuilt from the earlier, and processor seconds a flow, on one core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.registration import optical_flow_ilk, optical_flow_tvl1

from zoo.core.film import opened
from zoo.core.motion import Flow, dis, farneback

STEPS = (1, 4)


def of_skimage(method: object) -> Flow:
    def flow(of: np.ndarray, into: np.ndarray) -> np.ndarray:
        down, right = method(of / np.float32(255), into / np.float32(255))
        return np.stack((right, down), axis=-1).astype(np.float32)

    return flow


FLOWS: dict[str, Flow] = {
    "DIS (OpenCV)": dis,
    "Farnebäck (OpenCV)": farneback,
    "iterative Lucas-Kanade (scikit-image)": of_skimage(optical_flow_ilk),
    "TV-L1 (scikit-image)": of_skimage(optical_flow_tvl1),
}


def main(path: Path, starts: list[int]) -> None:
    cv2.setNumThreads(1)
    wanted = {start + step for start in starts for step in (0, *STEPS)}
    greys = {}
    with opened(path) as film:
        for frame in film.frames():
            if frame.number in wanted:
                image = Image.fromarray(frame.rgb).convert("L")
                image.thumbnail((512, 512), Image.Resampling.LANCZOS)
                greys[frame.number] = np.asarray(image)
    print("| flow | left of 1 frame | of 4 frames | s |\n|---|---|---|---|")
    for name, flow in FLOWS.items():
        left: dict[int, list[float]] = {step: [] for step in STEPS}
        seconds = 0.0
        for step in STEPS:
            for start in starts:
                earlier, later = greys[start], greys[start + step]
                began = time.process_time()
                moved = flow(later, earlier)
                seconds += time.process_time() - began
                height, width = later.shape
                places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + moved
                rebuilt = cv2.remap(earlier, places.astype(np.float32), None, cv2.INTER_LINEAR)
                left[step].append(float(np.abs(rebuilt.astype(int) - later).mean()))
        means = " | ".join(f"{np.mean(left[step]):.2f}" for step in STEPS)
        print(f"| {name} | {means} | {seconds / len(starts) / len(STEPS):.3f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [*map(int, sys.argv[2:])] or [10, 60, 110])
