"""Weights and checkpoints as Python sees them: needs only `pip install safetensors numpy`.

    safetensors_roundtrip.py SOURCE.safetensors CHANGED.safetensors
        loads SOURCE, prints each tensor, doubles every floating-point one and saves CHANGED

    safetensors_roundtrip.py --write FILE.safetensors
        writes the small file that the tests of `checkpoint` load
"""

import sys

import numpy as np
from safetensors.numpy import load_file, save_file


def example() -> dict[str, np.ndarray]:
    return {
        "layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
        "layer.bias": np.array([-0.0, np.inf, np.nan], dtype=np.float64),
        "half": np.array([0.5, 65504.0], dtype=np.float16),
        "steps": np.array(2**53 + 1, dtype=np.int64),
        "mask": np.array([True, False, True]),
        "bytes": np.array([[0, 127, 255]], dtype=np.uint8),
        "empty": np.zeros((0, 4), dtype=np.float32),
    }


def main() -> None:
    if sys.argv[1] == "--write":
        save_file(example(), sys.argv[2])
        return
    source, changed = sys.argv[1:]
    tensors = load_file(source)
    for name, array in sorted(tensors.items()):
        print(name, array.dtype, list(array.shape), array.ravel()[:4].tolist())
    save_file({name: array * 2 if array.dtype.kind == "f" else array for name, array in tensors.items()}, changed)


if __name__ == "__main__":
    main()
