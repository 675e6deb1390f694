"""Times the twelve numbers of 5,000 images with 100 detections each: pycocotools against `CocoMetrics`, on one machine.

Needs pycocotools and the tests of phasebox-nn; without an argument cargo builds them as users get them, with `--release`.
Both get the same boxes, made by the generator of detection.py; both times are from boxes in memory to the numbers. Prints
seconds and their ratio, and fails below a ratio of 5.

usage: coco_speed.py [the program of the tests, as `cargo test --release -p phasebox-nn --lib --no-run` names it]
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time

from detection import Random, random_box

IMAGES, TRUTHS, FOUND, CLASSES = 5000, 7, 100, 80


def boxes():
    random = Random(1)
    truths, found = [], []
    for image in range(1, IMAGES + 1):
        for _ in range(TRUTHS):
            kind = random.below(CLASSES) + 1
            x, y, w, h = random_box(random)
            truth = {"id": len(truths) + 1, "image_id": image, "category_id": kind, "bbox": [x, y, w, h]}
            truths.append({**truth, "area": w * h, "iscrowd": 0})
        for _ in range(FOUND):
            near = truths[-1 - random.below(TRUTHS)]
            x, y, w, h = near["bbox"]
            x, y = x + (random.below(49) - 24) / 4, y + (random.below(49) - 24) / 4
            score = (1 + random.below(1023)) / 1024
            found.append({"image_id": image, "category_id": near["category_id"], "bbox": [x, y, w, h], "score": score})
    return truths, found


def pycocotools(truths, found):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        api = COCO()
        images = [{"id": number} for number in range(1, IMAGES + 1)]
        categories = [{"id": number + 1} for number in range(CLASSES)]
        api.dataset = {"images": images, "categories": categories, "annotations": truths}
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        seconds = time.perf_counter() - start
    return seconds, [float(value) for value in evaluation.stats]


def phasebox():
    test = "metrics::detection::tests::speed_of_5000_images"
    cargo = ["cargo", "test", "-q", "--release", "-p", "phasebox-nn", "--lib", "--"]
    command = [*(sys.argv[1:] or cargo), "--nocapture", "--exact", test]
    environment = {**os.environ, "PHASEBOX_TEST_LONG": "1"}
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    line = next(line for line in output.splitlines() if line.startswith("{"))
    result = json.loads(line)
    return result["seconds"], result["numbers"]


def main():
    ours, numbers = phasebox()
    theirs, expected = pycocotools(*boxes())
    assert numbers == expected, (numbers, expected)
    print(f"pycocotools {theirs:.2f} s, phasebox {ours:.2f} s: {theirs / ours:.1f} times as fast")
    sys.exit(theirs / ours < 5)


if __name__ == "__main__":
    main()
