//! The protobuf messages that TensorBoard needs, encoded by hand: `Event`, `Summary` and the messages in them
//! (tensorboard/compat/proto/{event,summary,tensor}.proto). Seven messages do not pay for a code generator.

use crate::logger::Histogram;

/// A protobuf message being written. Nested messages are built apart and copied in, because their length comes first.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A string, bytes or a nested message.
    fn block(&mut self, field: u64, content: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(content.len() as u64);
        self.bytes.extend_from_slice(content);
    }

    fn nested(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut message = Message::default();
        fill(&mut message);
        self.block(field, &message.bytes);
    }

    /// `repeated double`, packed.
    fn doubles(&mut self, field: u64, values: &[f64]) {
        self.varint(field << 3 | 2);
        self.varint(8 * values.len() as u64);
        values
            .iter()
            .for_each(|value| self.bytes.extend_from_slice(&value.to_le_bytes()));
    }
}

/// One `Event`, encoded into buffers that are used again for the next.
#[derive(Default)]
pub(super) struct Event {
    event: Message,
    summary: Message,
    value: Message,
}

impl Event {
    /// The encoded event.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.event.bytes
    }

    /// The event that every file starts with.
    pub(super) fn version(&mut self, time: f64) {
        self.start(time, 0);
        self.event.block(3, b"brain.Event:2");
    }

    /// `SessionLog` START: events of this folder from `step` on are void.
    pub(super) fn restart(&mut self, time: f64, step: u64) {
        self.start(time, step);
        self.event.nested(7, |log| log.integer(1, 1));
    }

    pub(super) fn scalar(&mut self, time: f64, step: u64, name: &str, value: f32) {
        self.value(time, step, name, |message| message.float(2, value));
    }

    pub(super) fn image(
        &mut self,
        time: f64,
        step: u64,
        name: &str,
        [height, width]: [u32; 2],
        png: &[u8],
    ) {
        const RGBA: u64 = 4; // TensorBoard does not read it: the PNG has its own color type.
        self.value(time, step, name, |message| {
            message.nested(4, |image| {
                image.integer(1, height.into());
                image.integer(2, width.into());
                image.integer(3, RGBA);
                image.block(4, png);
            });
        });
    }

    pub(super) fn histogram(&mut self, time: f64, step: u64, name: &str, histogram: &Histogram) {
        self.value(time, step, name, |message| {
            message.nested(5, |histo| {
                histo.double(1, histogram.min);
                histo.double(2, histogram.max);
                histo.double(3, histogram.counts.iter().sum());
                histo.double(4, histogram.sum);
                histo.double(5, histogram.sum_of_squares);
                histo.doubles(6, &histogram.limits);
                histo.doubles(7, &histogram.counts);
            });
        });
    }

    /// A string tensor of shape `[1]` for TensorBoard's plugin `text`.
    pub(super) fn text(&mut self, time: f64, step: u64, name: &str, text: &str) {
        const DT_STRING: u64 = 7;
        self.value(time, step, name, |message| {
            message.nested(8, |tensor| {
                tensor.integer(1, DT_STRING);
                tensor.nested(2, |shape| {
                    shape.nested(2, |dimension| dimension.integer(1, 1))
                });
                tensor.block(8, text.as_bytes());
            });
            message.nested(9, |metadata| {
                metadata.nested(1, |plugin| plugin.block(1, b"text"))
            });
        });
    }

    /// Fields with their default value (step 0) are left out, as protobuf's own writers do.
    fn start(&mut self, time: f64, step: u64) {
        self.event.bytes.clear();
        self.event.double(1, time);
        if step > 0 {
            self.event.integer(2, step);
        }
    }

    /// `Event { wall_time, step, summary: { value: [{ tag, … }] } }`.
    fn value(&mut self, time: f64, step: u64, name: &str, fill: impl FnOnce(&mut Message)) {
        self.value.bytes.clear();
        self.value.block(1, name.as_bytes());
        fill(&mut self.value);
        self.summary.bytes.clear();
        self.summary.block(1, &self.value.bytes);
        self.start(time, step);
        self.event.block(5, &self.summary.bytes);
    }
}
