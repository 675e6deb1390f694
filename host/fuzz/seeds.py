"""Writes the honest inputs of corpus/ that no editor writes: debug information, weights, data, and a run's folder.

    host/fuzz/seeds.py PHASEBOX     # needs gcc, binutils, unzip, torch, pillow and a built program

Everything is as its own tools write it, but small, since a mutation of a small input is more often a new one.
"""

import gzip
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
SOURCE = """
static int twice(int x) { return 2 * x; }
int inner(int x) { if (x > 3) return twice(x) + 1; return x; }
__attribute__((section(".text.far"))) int outer(int x) { return inner(x + 1) * inner(x); }
void _start(void) { outer(2); }
"""
SECTIONS = "info abbrev line str ranges rnglists line_str aranges addr loc loclists".split()


def write(target, name, first, **files):
    """An input of several files: the first without a line `=== name`."""
    parts = [first] + [f"=== {path}\n".encode() + data for path, data in files.items()]
    folder = CORPUS / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\n".join(parts))


def debug_info(folder):
    source = folder / "it.c"
    source.write_text(SOURCE)
    for version in (2, 4, 5):
        for level in "O0", "O2":
            program = folder / f"it{version}{level}"
            subprocess.run(["gcc", f"-{level}", f"-gdwarf-{version}", f"-fdebug-prefix-map={folder}=/it", "-c", source, "-o", folder / "it.o"], check=True, cwd=folder)
            subprocess.run(["ld", "-Ttext=0", "-o", program, folder / "it.o"], check=True)
            found = {}
            for section in SECTIONS:
                out = folder / "section"
                only = f"--only-section=.debug_{section}"
                flags = ["--set-section-flags", f".debug_{section}=alloc"]
                subprocess.run(["objcopy", "-O", "binary", only, *flags, program, out], check=True)
                if data := out.read_bytes():
                    found[f".debug_{section}"] = data
            write("debug_info", f"gcc{version}-{level.lower()}", names("inner", "outer"), **found)
    for name, section in {
        "names": names("inner", "outer", "it::deep<é>"),
        "names-hostile": names("\x1b[2Jerror: forged", "a\nerror: forged", "x" * 300),
        "names-mangled": names("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "_RNvC6_123foo3bar"),
    }.items():
        write("debug_info", name, section)


def names(*functions):
    """The section `name`: subsection 1 has the functions' names."""
    def sized(data):
        return leb(len(data)) + data
    entries = b"".join(leb(index) + sized(name.encode()) for index, name in enumerate(functions))
    return b"\x01" + sized(leb(len(functions)) + entries)


def leb(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def weights(folder):
    state = {"0.weight": torch.arange(6.0).reshape(2, 3), "0.bias": torch.zeros(2, dtype=torch.bfloat16)}
    view = torch.arange(4.0)
    saved = {
        "state": state,
        "views": {"a": view.expand(3, 4), "b": view[1:3]},
        "trainer": {"epoch": 3, "net": state, "optimizer_state_dict": {"lr": 0.1}},
        "nested": {"state": {"model": state}},
        "list": [torch.ones(2)],
    }
    for name, value in saved.items():
        path = folder / name
        torch.save(value, path)
        write("weights", f"torch-{name}", path.read_bytes())
        subprocess.run(["unzip", "-q", "-o", path, "-d", folder / "unpacked"], check=True)
        write("weights", f"pickle-{name}", (folder / "unpacked" / name / "data.pkl").read_bytes())
    write("weights", "safetensors", safetensors({"a": ("F32", [2], 8), "b.c": ("I64", [], 8), "none": ("U8", [0, 3], 0)}))
    write("weights", "safetensors-half", safetensors({"a": ("BF16", [2, 2], 8), "b": ("BOOL", [3], 3)}, {"format": "pt"}))


def safetensors(tensors, metadata=None):
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(range(at))


def data(folder):
    table = b"x,y,kind\n1,2.5,cat\n-3,1e3,dog\n0.5,7,cat\n4,4,dog\n8,1,cat\n2,2,dog\n"
    csv = b'{"csv": {"file": "it.csv", "target": "kind", "validation_fraction": 0.5}}'
    write("data", "csv", csv, **{"it.csv": table})
    write("data", "csv-quoted", csv, **{"it.csv": b'\xef\xbb\xbfx,"y ""q""",kind\r\n1,"2",a\r\n"3",4,"b\n c"\r\n5,6,a\r\n7,8,"b\n c"\r\n'})
    regression = b'{"csv": {"file": "it.csv.gz", "target": "y", "task": "regression", "delimiter": ";", "standardize": false}}'
    packed = gzip.compress(table.replace(b",", b";").replace(b"cat", b"1").replace(b"dog", b"2"), mtime=0)
    write("data", "csv-packed", regression, **{"it.csv.gz": packed})
    named = b'{"csv": {"file": "it.csv", "target": {"a": {"column": "kind"}, "b": {"column": "y", "task": "regression"}}, "features": {"one": ["x"]}}}'
    write("data", "csv-named", named, **{"it.csv": table})
    images = struct.pack(">IIII", 0x803, 4, 3, 2) + bytes(range(24))
    labels = struct.pack(">II", 0x801, 4) + bytes([0, 1, 9, 0])
    idx = {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels,
           "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels}
    write("data", "mnist", b'{"mnist": {"root": "."}}', **idx)
    packed = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in idx.items()}
    write("data", "mnist-packed", b'{"fashion_mnist": {"root": ".", "validation_fraction": 0.5}}', **packed)
    record = bytes([3]) + bytes(3072)
    packed = {f"{name}.bin.gz": gzip.compress(record, mtime=0) for name in
              [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch"]}
    write("data", "cifar10", b'{"cifar10": {"root": "."}}', **packed)
    coarse = gzip.compress(bytes([1, 2]) + bytes(3072), mtime=0)
    write("data", "cifar100", b'{"cifar100": {"root": "."}}', **{"train.bin.gz": coarse, "test.bin.gz": coarse})
    for kind in "png", "jpg", "gif", "bmp", "webp":
        path = folder / f"it.{kind}"
        Image.linear_gradient("L").resize((5, 4)).convert("RGB").save(path)
        picture = path.read_bytes()
        for channels in 1, 3:
            keys = json.dumps({"image_folder": {"root": ".", "channels": channels}}).encode()
            name = f"images-{kind}-{'gray' if channels == 1 else 'color'}"
            write("data", name, keys, **{f"train/a/1.{kind}": picture, f"val/a/2.{kind}": picture})


def boxes(folder):
    """Images with boxes, in the formats of COCO, YOLO, Pascal VOC and Roboflow."""
    path = folder / "boxed.png"
    Image.linear_gradient("L").resize((8, 6)).convert("RGB").save(path)
    picture = path.read_bytes()
    image = {"id": 7, "file_name": "1.png", "width": 8, "height": 6}
    box = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 1.5, 3, 2], "area": 6, "iscrowd": 0}
    coco = json.dumps({"images": [image], "annotations": [box, box | {"id": 2, "iscrowd": 1}],
                       "categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "dog"}]}).encode()
    part = {"data_dir": ".", "json_annotation_file": "boxes.json", "images_dir": "images"}
    write("data", "coco", both("coco_detection", part), **{"boxes.json": coco, "images/1.png": picture})
    part = {"data_dir": ".", "dataset_name": "it", "split": "train"}
    files = {"it/train/_annotations.coco.json": coco, "it/train/1.png": picture}
    write("data", "roboflow", both("roboflow_detection", part), **files)
    part = {"data_dir": ".", "images_dir": "i", "labels_dir": "l", "classes": ["cat", "dog"], "input_dim": [12, 10]}
    write("data", "yolo", both("yolo_detection", part), **{"i/1.png": picture, "l/1.txt": b"0 0.5 0.5 0.2 0.3\n1 0.2 0.2 0.1 0.1\n"})
    part = {"data_dir": ".", "images_dir": "i", "labels_dir": "l"}
    xml = b"<annotation><size><width>8</width><height>6</height></size><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin>" \
        b"<xmax>4</xmax><ymax>3.5</ymax></bndbox></object></annotation>"
    write("data", "voc", both("voc_detection", part), **{"i/1.png": picture, "l/1.xml": xml})


def both(name, part):
    return json.dumps({name: {"train": part, "validation": part}}).encode()


def logs():
    lines = [
        b'{"step":1,"epoch":0,"time":1.5,"name":"train/loss","value":0.5}\n',
        b'{"time":1.5,"level":"warn","source":"ema","message":"slow \\u00e9"}\n',
        b'{"step":2,"epoch":0,"time":1.5,"name":"a","histogram":{"limits":[0,1],"counts":[3],"sum":NUMBER}}\n',
        b'{"step":3,"epoch":1,"time":1.5,"name":"a","value":"NaN"}\n',
    ]
    log = b"".join(lines).replace(b"NUMBER", b"1e9")
    fixture = HERE.parent.parent / "tests/fixtures/0.1.0/finished/summary.json"
    summary = json.dumps(json.loads(fixture.read_text())).encode()
    forged = json.loads(summary)
    forged["plugins"] = [{"name": "\x1b[2Jx", "calls": 3, "limits": {"time": {"limit": "1 s", "peak": 0, "refused": 1}}}]
    forged["asked"] = [{"verb": "stop", "by": "a\nerror: forged", "global_step": 3, "reason": "\u202e"}]
    forged |= {"best": None, "schema": 2, "final": {"loss": "NaN"}, "final_of": "test"}
    files = {"metrics.jsonl": log, "summary.json": summary}
    write("log", "whole", f"3 {len(log)}".encode(), **files)
    write("log", "earlier", f"2 {len(log)}".encode(), **files)
    write("log", "cut", f"3 {len(lines[0]) + len(lines[1])}".encode(), **files)
    write("log", "torn", b"none", **{"metrics.jsonl": log[:-5]})
    write("log", "foreign", b"9 999", **{"metrics.jsonl": b'[1]\n\n{"step":-1}\n{"step":1}' + log})
    write("log", "forged", b"9 999", **{"summary.json": json.dumps(forged).encode()})


def texts():
    described = {"name": "grad-clip", "version": "1.0", "summary": "Clips.", "grants": ["read-grads"], "state_version": 1,
                 "parameters": {"type": "object", "properties": {"max_norm": {"type": "number", "default": 1e-3}}}, "metrics": ["norm"]}
    deep = json.loads("[" * 31 + "]" * 31)
    for name, value in {"describe": described, "deep": deep, "empty": {}, "numbers": [0, -1, 1.5, 2**64, 1e300, 5e-324],
                        "texts": {"a\"[{": "\\,:", "\u00e9": "\ud83d\ude00"}}.items():
        write("json", name, json.dumps(value).encode())
    write("json", "twice", b'{"name":"a","name":"b","name":[]}')
    write("json", "positional", b'["a","1","",{},[],0,[]]')
    entry = {"name": "locked", "source": "corpus/nothing.wasm", "sha256": "OWN-DIGEST", "interface": "phasebox:case/callback", "version": "", "grants": []}
    for name, value in {"honest": {"schema": 2, "callbacks": [entry]}, "first-schema": [entry], "empty": [],
                        "two": [entry, entry], "other": [entry | {"name": "other"}], "newer": {"schema": 3, "callbacks": [entry]},
                        "granted": [entry | {"grants": ["write-grads"]}]}.items():
        write("lock", name, json.dumps(value).encode())


def checkpoints(folder, program):
    """The checkpoints of a run between two epochs, and of one that is over."""
    for name, epochs in ("between", 1), ("over", 2):
        runs = folder / name
        plugins = HERE.parent.parent / "target/plugins"
        changes = ["--runs-dir", runs, "--plugins-dir", plugins, f"training_hyperparams.max_epochs={epochs}"]
        subprocess.run([program, "train", HERE / "resumed.yaml", *changes], check=True)
        run, = (runs / "resumed").iterdir()
        pack(name, run, max((run / "checkpoints").iterdir()))


def traces(folder, program):
    """The traces of a run and of one that went on, of a few phases each."""
    for name, keeps in ("little", "loss"), ("batch", "inputs,target,preds,additional"), ("all", "inputs,target,preds,gradients,parameters,buffers"):
        runs = folder / f"traced-{name}"
        settings = ["--runs-dir", runs, "--trace", keeps, "training_hyperparams.save_model=true"]
        subprocess.run([program, "train", HERE / "training.yaml", *settings], check=True)
        run, = (runs / "fuzz").iterdir()
        subprocess.run([program, "train", HERE / "training.yaml", *settings, "--resume", run, "training_hyperparams.max_epochs=2"], check=True)
        for number, trace in ("1", run / "trace"), ("2", run / "trace.2"):
            events = (trace / "events.jsonl").read_text().replace(f"{HERE}/", "/")
            write("trace", f"{name}-{number}", events.encode(), **{"tensors.bin": (trace / "tensors.bin").read_bytes()})
    header, first, *rest = events.splitlines(keepends=True)
    state = {"state": "looks", "sha256": "", "version": "1", "state_version": 0, "random_draws": 3}
    places = {"bytes": {"dtype": "uint8", "shape": [4], "at": 0}, "tensors": [{"name": "a", "dtype": "float32", "shape": [2], "at": 4}]}
    lines = [header, json.dumps(state | places) + "\n", first, '{"end":"cut","why":"short"}\n']
    write("trace", "state", "".join(lines).encode(), **{"tensors.bin": bytes(12)})


def pack(name, run, checkpoint):
    text = (checkpoint / "checkpoint.json").read_text()
    manifest = json.loads(text.replace(f"{HERE}/", "/"))
    files = {}
    for path in manifest["files"]:
        manifest["files"][path] = "made"
        files[f"checkpoints/000001-step-2/{path}"] = (checkpoint / path).read_bytes()
    write("checkpoint", f"{name}-alone", json.dumps(manifest).encode(), **files)
    for path in "metrics.jsonl", "summary.json":
        files[path] = (run / path).read_bytes().replace(f"{run}".encode(), b"/run").replace(f"{HERE.parent.parent}".encode(), b"")
    write("checkpoint", name, json.dumps(manifest).encode(), **files)
    state = manifest["state"]
    for change, changed in {
        "within": {"epoch": 0, "next_batch": 1, "global_step": 1, "samples_seen": 4},
        "averaged": {"trainer": state["trainer"] | {"best_values": [0, 1, 2]}},
        "stopped": {"trainer": state["trainer"] | {"standing": {"stop": ["epoch", "why", "by"]}}},
    }.items():
        changed = manifest | {"state": state | changed}
        write("checkpoint", f"{name}-{change}", json.dumps(changed).encode(), **files)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for make in debug_info, weights, data, boxes:
        make(folder)
    logs()
    texts()
    program = Path(sys.argv[1]).resolve()
    checkpoints(folder, program)
    traces(folder, program)
