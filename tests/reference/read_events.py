"""TensorBoard's own reader and writer against phasebox's: needs only `pip install tensorboard`.

    read_events.py FOLDER
        prints as JSON what TensorBoard shows of the event files in FOLDER

    read_events.py --write FILE
        writes the events of the test `the_bytes_are_tensorboard_s_own` with TensorBoard's protobufs and record writer
"""

import dataclasses
import json
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

TIME = 1767225600.5


def value(step: int, **fields) -> Event:
    return Event(wall_time=TIME, step=step, summary=Summary(value=[Summary.Value(**fields)]))


def events() -> list[Event]:
    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    text = TensorProto(dtype=7, tensor_shape=one, string_val=["**µ** and more".encode()])
    for_text = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    histogram = HistogramProto(
        min=-1, max=3, num=7, sum=10, sum_squares=19, bucket_limit=[0, 1, 3], bucket=[1, 2, 4]
    )
    image = Summary.Image(height=1, width=300, colorspace=4, encoded_image_string=bytes(range(256)))
    return [
        Event(wall_time=TIME, file_version="brain.Event:2"),
        Event(wall_time=TIME, step=8, session_log=SessionLog(status=SessionLog.START)),
        value(0, tag="train/loss", simple_value=0.1),
        value(300, tag="größe", simple_value=math.inf),
        value(2**40, tag="a" * 200, simple_value=-0.0),
        value(9, tag="weights", histo=histogram),
        value(10, tag="input", image=image),
        value(11, tag="notes", tensor=text, metadata=for_text),
    ]


def write(path: str) -> None:
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events():
            writer.write(event.SerializeToString())


def shown(folder: str) -> dict:
    log = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    log.Reload()
    tags = log.Tags()
    texts = {tag: log.Tensors(tag) for tag in tags["tensors"]}
    return {
        "scalars": {tag: [[e.step, e.value] for e in log.Scalars(tag)] for tag in tags["scalars"]},
        "histograms": {
            tag: [[e.step, dataclasses.asdict(e.histogram_value)] for e in log.Histograms(tag)]
            for tag in tags["histograms"]
        },
        "images": {
            tag: [[e.step, e.height, e.width, e.encoded_image_string[:4].hex()] for e in log.Images(tag)]
            for tag in tags["images"]
        },
        "texts": {tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in texts[tag]] for tag in texts},
    }


def main() -> None:
    if sys.argv[1] == "--write":
        write(sys.argv[2])
    else:
        print(json.dumps(shown(sys.argv[1]), indent=1))


if __name__ == "__main__":
    main()
