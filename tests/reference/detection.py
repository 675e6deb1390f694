"""Writes detection.json: detections after post-processing, and the metrics of detections, for random sets.

The sets are made by a generator (splitmix64) that the tests have too, so that only numbers are stored. Post-processing
and SuperGradients' metrics are computed here from their described behavior, in float32 where SuperGradients is in
float32; the twelve numbers are pycocotools 2.0.11's. Run with numpy and pycocotools installed.
"""

import contextlib
import io
import json
import pathlib

import numpy as np

F = np.float32
MASK = (1 << 64) - 1


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 33) % n


WIDTH, HEIGHT = 320, 240


def random_set(seed):
    """Images with truths (class, x, y, w, h, crowd) and detections (class, x, y, w, h, score); quarters of pixels."""
    random = Random(seed)
    classes = 1 + random.below(4)
    images = []
    for _ in range(1 + random.below(6)):
        truths = []
        for _ in range(random.below(9)):
            kind = random.below(classes)
            truths.append([kind, *random_box(random), random.below(8) == 0])
        count = random.below(14) if random.below(10) else 130
        found = [random_detection(random, classes, truths) for _ in range(count)]
        images.append((truths, found))
    return classes, images


def random_box(random):
    x, y = random.below(1000) / 4, random.below(700) / 4
    return x, y, (4 + random.below(440)) / 4, (4 + random.below(440)) / 4


def random_detection(random, classes, truths):
    if truths and random.below(4):
        kind, x, y, w, h, _ = truths[random.below(len(truths))]
        if random.below(6) == 0:
            kind = random.below(classes)
        x, y = x + (random.below(25) - 12) / 4, y + (random.below(25) - 12) / 4
        w, h = max(w + (random.below(17) - 8) / 4, 1), max(h + (random.below(17) - 8) / 4, 1)
    else:
        kind = random.below(classes)
        x, y, w, h = random_box(random)
    return [kind, x, y, w, h, (1 + random.below(50)) / 64]


# ---- post-processing ----


def corners(x, y, w, h):
    return np.array([x, y, x + w, y + h], F)


def overlap(a, b):
    w = max(F(min(a[2], b[2]) - max(a[0], b[0])), F(0))
    h = max(F(min(a[3], b[3]) - max(a[1], b[1])), F(0))
    shared = F(w * h)
    area = [F(F(box[2] - box[0]) * F(box[3] - box[1])) for box in (a, b)]
    return F(shared / F(F(area[0] + area[1]) - shared))


def random_decoded(seed, anchors, classes):
    """[anchors, 5 + classes]: objectness and classes in 64ths, so that their products are exact."""
    random = Random(seed)
    rows = []
    for _ in range(anchors):
        x, y, w, h = random_box(random)
        x, y = x / 4, y / 4
        scores = [random.below(65) / 64 for _ in range(1 + classes)]
        rows.append([x + w / 2, y + h / 2, w, h, *scores])
    return np.array(rows, F)


def post_process(decoded, conf, iou, classes, max_predictions, with_confidence, class_agnostic_nms, multi_label_per_box):
    found = []
    for row in decoded:
        if not row[4] > conf:
            continue
        scores = row[5:] * (row[4] if with_confidence else F(1))
        kinds = range(len(scores)) if multi_label_per_box else [int(np.argmax(scores))]
        for kind in kinds:
            if scores[kind] > conf and (classes is None or kind in classes):
                cx, cy, w, h = row[:4]
                box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], F)
                found.append((box, scores[kind], kind))
    found.sort(key=lambda row: -row[1])
    kept = []
    for box, score, kind in found:
        rivals = [other for other in kept if class_agnostic_nms or other[2] == kind]
        if not any(float(overlap(other[0], box)) > iou for other in rivals):
            kept.append((box, score, kind))
    return kept[:max_predictions]


SETTINGS = [
    {},
    {"conf": 0.25, "iou": 0.45},
    {"conf": 0.1, "iou": 0.65, "classes": [0, 2]},
    {"iou": 0.3, "max_predictions": 7},
    {"conf": 0.3, "with_confidence": False},
    {"conf": 0.2, "class_agnostic_nms": True},
    {"conf": 0.2, "multi_label_per_box": False},
    {"conf": 0.2, "multi_label_per_box": False, "class_agnostic_nms": True, "with_confidence": False, "max_predictions": 5},
    {"conf": 1.0},
]
DEFAULTS = {
    "conf": 0.001,
    "iou": 0.6,
    "classes": None,
    "max_predictions": 300,
    "with_confidence": True,
    "class_agnostic_nms": False,
    "multi_label_per_box": True,
}


def post_processing_rows():
    for number, settings in enumerate(SETTINGS):
        images = []
        for image in range(2):
            decoded = random_decoded(1000 + 2 * number + image, 60, 3)
            kept = post_process(decoded, **{**DEFAULTS, **settings})
            images.append([[*map(float, box), float(score), kind] for box, score, kind in kept])
        yield {"params": settings, "first_seed": 1000 + 2 * number, "detections": images}


# ---- SuperGradients' metrics ----


def match(truths, found, thresholds, top_k):
    """For each detection, the best first: class, score, hits and what is ignored, one for each threshold."""
    found = sorted(found, key=lambda row: -row[5])
    regular = [truth for truth in truths if not truth[5]]
    crowds = [truth for truth in truths if truth[5]]
    taken = np.zeros((len(regular), len(thresholds)), bool)
    seen = {}
    rows = []
    for kind, x, y, w, h, score in found:
        hit = np.zeros(len(thresholds), bool)
        ignored = np.zeros(len(thresholds), bool)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > top_k:
            rows.append((kind, F(score), hit, ~ignored))
            continue
        box = corners(x, y, w, h)
        box = np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT]).astype(F)
        overlaps = [overlap(box, corners(*truth[1:5])) if truth[0] == kind else F(0) for truth in regular]
        for place in sorted(range(len(regular)), key=lambda place: -overlaps[place]):
            good = (overlaps[place] > thresholds) & ~hit & ~taken[place]
            hit |= good
            taken[place] |= good
        for crowd in crowds:
            if crowd[0] == kind:
                other = corners(*crowd[1:5])
                shared_w = max(min(box[2], other[2]) - max(box[0], other[0]), F(0))
                shared_h = max(min(box[3], other[3]) - max(box[1], other[1]), F(0))
                own = (box[2] - box[0]) * (box[3] - box[1])
                with np.errstate(invalid="ignore"):
                    ignored |= F(shared_w * shared_h) / own > thresholds
        rows.append((kind, F(score), hit, ignored))
    return rows, [truth[0] for truth in regular]


def supergradients(classes, images, low, high, score_thres=0.1, top_k=100):
    steps = int(round((high - low) / 0.05)) + 1
    thresholds = linspace(low, high, steps)
    recalls = linspace(0, 1, 101)
    rows, kinds = [], []
    for truths, found in images:
        own_rows, own_kinds = match(truths, found, thresholds, top_k)
        rows += own_rows
        kinds += own_kinds
    present = sorted(set(kinds))
    if not present:
        return None
    aps, precisions, recs, f1s, best = [], [], [], [], {}
    for kind in present:
        own = sorted((row for row in rows if row[0] == kind), key=lambda row: -row[1])
        if not own:
            zeros = np.zeros(steps, F)
            aps.append(zeros), precisions.append(zeros), recs.append(zeros), f1s.append(np.zeros(101, F))
            best[kind] = 0.0
            continue
        hits = np.array([row[2] for row in own])
        misses = ~hits & ~np.array([row[3] for row in own])
        scores = np.array([row[1] for row in own], F)
        tp, fp = np.cumsum(hits, 0, F), np.cumsum(misses, 0, F)
        recall = tp / F(kinds.count(kind))
        precision = tp / (tp + fp + F(np.finfo(np.float64).eps))
        precision = np.maximum.accumulate(precision[::-1], 0)[::-1]
        recall_0 = np.concatenate([np.zeros((1, steps), F), recall])
        precision_0 = np.concatenate([np.zeros((1, steps), F), precision])
        at = np.sum(scores >= F(score_thres))
        precisions.append(precision_0[at]), recs.append(recall_0[at])
        at = np.array([np.sum(scores >= threshold) for threshold in recalls])
        p, r = precision_0[at], recall_0[at]
        f1s.append((2 * r * p / (r + p + F(1e-16))).mean(1))
        best[kind] = float(recalls[np.argmax(f1s[-1])])
        padded = np.concatenate([precision, np.zeros((1, steps), F)])
        places = [np.searchsorted(recall[:, step], recalls) for step in range(steps)]
        aps.append(np.array([padded[place, step].mean() for step, place in enumerate(places)]))
    p, r = np.array(precisions), np.array(recs)
    span = f"@{low:.2f}" if steps == 1 else f"@{low:.2f}:{high:.2f}"
    values = {
        f"Precision{span}": p.mean(),
        f"Recall{span}": r.mean(),
        f"mAP{span}": np.array(aps).mean(),
        f"F1{span}": (2 * p * r / (p + r + F(1e-16))).mean(),
    }
    for kind in range(classes):
        ap = np.array(aps[present.index(kind)]).mean() if kind in present else 0
        values[f"AP{span}_class_{kind}"] = ap
    values["Best_score_threshold"] = recalls[np.argmax(np.array(f1s).mean(0))]
    for kind in range(classes):
        values[f"Best_score_threshold_class_{kind}"] = best.get(kind, 0)
    return {name: round(float(value), 9) for name, value in values.items()}


def linspace(low, high, steps):
    """torch.linspace's float32: from both ends to the middle."""
    if steps == 1:
        return np.array([low], F)
    step = F(F(F(high) - F(low)) / F(steps - 1))
    first = [F(F(low) + F(step * F(place))) for place in range(steps // 2)]
    last = [F(F(high) - F(step * F(steps - 1 - place))) for place in range(steps // 2, steps)]
    return np.array(first + last, F)


# ---- pycocotools ----


def coco(classes, images):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = {
        "images": [{"id": number, "width": WIDTH, "height": HEIGHT} for number in range(1, len(images) + 1)],
        "categories": [{"id": number + 1, "name": f"class_{number}"} for number in range(classes)],
        "annotations": [],
    }
    results = []
    for number, (truths, found) in enumerate(images, 1):
        for kind, x, y, w, h, crowd in truths:
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": number,
                    "category_id": kind + 1,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": int(crowd),
                }
            )
        for kind, x, y, w, h, score in found:
            results.append({"image_id": number, "category_id": kind + 1, "bbox": [x, y, w, h], "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = truth
        api.createIndex()
        other = api.loadRes(results) if results else COCO()
        if not results:
            other.dataset = {**truth, "annotations": []}
            other.createIndex()
        evaluation = COCOeval(api, other, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def main():
    ranges = [(0.5, 0.95), (0.5, 0.5), (0.75, 0.75)]
    rows = []
    for seed in range(1, 61):
        classes, images = random_set(seed)
        low, high = ranges[seed % 3]
        values = supergradients(classes, images, low, high)
        rows.append({"seed": seed, "iou_thres": [low, high], "values": values})
    result = {
        "post_processing": list(post_processing_rows()),
        "supergradients": rows,
        "coco": [coco(*random_set(seed)) for seed in range(1, 241)],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    groups = []
    for name, group in result.items():
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in group)
        groups.append(f'"{name}": [\n{lines}\n]')
    path.write_text("{\n" + ",\n".join(groups) + "\n}\n")


if __name__ == "__main__":
    main()
