"""Writes tests/languages/expected.json: what every `smooth` of tests/languages must log, and where it stops.

The formulas are written out over the whole history, without state: python3 tests/reference/smooth.py
"""

import json
import math
import struct
from pathlib import Path

SMOOTHING, PATIENCE, MIN_DELTA = 0.8, 6, 0.001
SAVE_BEFORE_BATCH = 120


def float32(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def loss(batch: int) -> float | None:
    """Falls to a plateau with ripples; batches 11, 28, … were skipped and have none."""
    return None if batch % 17 == 11 else float32(2.3 * math.exp(-batch / 25) + 0.2 + 0.1 * (batch * 37 % 101) / 101)


def history(losses: list[float]) -> list[float]:
    values = losses[:1]
    for new in losses[1:]:
        values.append(SMOOTHING * values[-1] + (1 - SMOOTHING) * new)
    return values


def waits(values: list[float]) -> list[int]:
    """After each value, how many came since the last that improved by more than MIN_DELTA on the best until then."""
    best, last, result = values[0], 0, []
    for place, value in enumerate(values):
        if value < best - MIN_DELTA:
            best, last = value, place
        result.append(place - last)
    return result


def main() -> None:
    # What is asked for at one batch arrives at the next, and is logged there.
    arrivals = [(batch + 1, loss(batch)) for batch in range(200) if loss(batch) is not None]
    values = history([value for _, value in arrivals])
    end = next(place for place, wait in enumerate(waits(values)) if wait == PATIENCE)
    batches = [batch for batch, _ in arrivals[: end + 1]]
    before = [place for place, batch in enumerate(batches) if batch < SAVE_BEFORE_BATCH]
    row = {
        "params": {"smoothing": SMOOTHING, "patience": PATIENCE, "min_delta": MIN_DELTA},
        "losses": [loss(batch) for batch in range(batches[-1] + 1)],
        "logged": [[batch, value] for batch, value in zip(batches, values)],
        "stop": {"batch": batches[-1], "reason": f"smoothed loss has not improved for {PATIENCE} batches"},
        "save": {"before_batch": SAVE_BEFORE_BATCH, "state": state(values, len(before), arrivals[len(before)][1])},
    }
    path = Path(__file__).parents[1] / "languages" / "expected.json"
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in row.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def state(values: list[float], count: int, arrived: float) -> str:
    wait = waits(values)[count - 1]
    return struct.pack("<BBIddd", 1, 3, wait, values[count - 1], values[count - 1 - wait], arrived).hex()


main()
