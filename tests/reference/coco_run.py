"""Compares the twelve numbers of a run of recipes/yolox_digits.yaml with pycocotools' on the same detections, and writes
coco_run.json: truth and detections of 60 of its images, and their twelve numbers.

The run writes what a trained network finds by a callback of the tests (`cargo xtask plugins` builds it):

    WRITE='{wasm: target/plugins/tests/detections.wasm, grants: [files, sync],
            params: {metric: {CocoMetrics: {num_cls: 10}}, write: {conf: 0.01, iou: 0.65}}}'
    phasebox train recipes/yolox_digits.yaml training_hyperparams.max_epochs=3 \
        training_hyperparams.lr_cooldown_epochs=0 "phase_callbacks=[$WRITE]"
    python tests/reference/coco_run.py runs/yolox_digits/RUN

Needs numpy and pycocotools 2.0.11. Numbers are compared exactly: both sides see the same float32 boxes.
"""

import contextlib
import io
import json
import pathlib
import sys

import numpy as np

F = np.float32
NAMES = "AP AP50 AP75 AP_small AP_medium AP_large AR1 AR10 AR100 AR_small AR_medium AR_large".split()
IMAGES, CLASSES, LEAST = 60, 10, 0.018


def read(run):
    """Truths (class, center x and y, width, height) and detections (class, corners, score) of each image."""
    folder = next((run / "artifacts").glob("*/batch_0.json")).parent
    files = sorted(folder.glob("batch_*.json"), key=lambda file: int(file.stem.split("_")[1]))
    images = []
    for file in files:
        batch = json.loads(file.read_text())
        target = np.array(batch["target"], F).reshape(-1, 6)
        for index, found in enumerate(batch["found"]):
            truths = [[int(row[1]), *row[2:]] for row in target if row[0] == index]
            images.append((truths, [[kind, *np.array(corners, F), F(score)] for kind, corners, score in found]))
    return images


def twelve(images):
    """pycocotools' numbers. Sizes are differences in float32, as in `CocoMetrics`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truths, found = [], []
    for image, (own, boxes) in enumerate(images, 1):
        for kind, x, y, w, h in own:
            bounds = [float(F(x - w * F(0.5))), float(F(y - h * F(0.5))), float(w), float(h)]
            truth = {"id": len(truths) + 1, "image_id": image, "category_id": kind + 1, "bbox": bounds}
            truths.append({**truth, "area": bounds[2] * bounds[3], "iscrowd": 0})
        for kind, x1, y1, x2, y2, score in boxes:
            bounds = [float(x1), float(y1), float(F(x2 - x1)), float(F(y2 - y1))]
            found.append({"image_id": image, "category_id": kind + 1, "bbox": bounds, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        categories = [{"id": number + 1} for number in range(CLASSES)]
        numbered = [{"id": number + 1} for number in range(len(images))]
        api.dataset = {"images": numbered, "categories": categories, "annotations": truths}
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def logged(run):
    """The numbers of the last validation."""
    values = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        line = json.loads(line)
        values[line.get("name")] = line.get("value")
    return [values[f"valid/{name}"] for name in NAMES]


def short(number):
    """The shortest decimal of a float32."""
    return float(str(F(number)))


def by_centers(boxes):
    """Detections as a network gives them, by center and size, and what becomes of their corners."""
    rows, corners = [], []
    for kind, x1, y1, x2, y2, score in boxes:
        w, h = F(x2 - x1), F(y2 - y1)
        x, y = F(x1 + w * F(0.5)), F(y1 + h * F(0.5))
        rows.append([kind, *map(short, (x, y, w, h, score))])
        w, h = w * F(0.5), h * F(0.5)
        corners.append([kind, F(x - w), F(y - h), F(x + w), F(y + h), score])
    return rows, corners


def fixture(images):
    """The first images, as the tests build tensors of them."""
    rows, rounded = [], []
    for truths, boxes in images[:IMAGES]:
        found, corners = by_centers([box for box in boxes if box[5] >= LEAST])
        truths = [[truth[0], *map(F, truth[1:])] for truth in truths]
        rounded.append((truths, corners))
        rows.append({"truths": [[kind, *map(short, rest)] for kind, *rest in truths], "found": found})
    return {"classes": CLASSES, "images": rows, "numbers": twelve(rounded)}


def main():
    run = pathlib.Path(sys.argv[1])
    images = read(run)
    ours, theirs = logged(run), twelve(images)
    for name, own, expected in zip(NAMES, ours, theirs):
        print(f"{name:10} {own:.17g} {'=' if own == expected else '!='} {expected:.17g}")
    assert ours == theirs, "the numbers differ"
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(fixture(images), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
