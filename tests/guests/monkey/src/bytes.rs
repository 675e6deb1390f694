//! Arguments out of bytes: mostly small and fitting, sometimes what breaks things. The end of the bytes is a row of
//! zeros, so that every beginning of a program is a program.

use phasebox_sdk::prelude::{Dtype, Level, ScalarEntry};

/// The bytes of a program that are not read yet.
#[derive(Default)]
pub(crate) struct Bytes {
    all: Vec<u8>,
    next: usize,
    /// Tensors have 2 to the power of so many elements, and other arguments are at their extremes; 0 for small ones.
    pub(crate) extremes: u32,
    /// Numbers that were drawn as extremes.
    pub(crate) numbers: usize,
    /// A long text or file was drawn.
    pub(crate) has_long: bool,
}

/// Calls that one byte names. `host/fuzz/tests/smoke.rs` knows this number.
const ONE_BYTE: u8 = 240;
/// Calls that a program can name.
pub(crate) const MOST_CALLS: usize = ONE_BYTE as usize + 256;

const NUMBERS: [f64; 24] = [
    0.0,
    1.0,
    -1.0,
    2.0,
    0.5,
    3.0,
    0.1,
    10.0,
    -0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    1e300,
    -1e-300,
    1e9,
    -3.5,
    255.0,
    9_007_199_254_740_993.0,
    9.3e18,
    -9.3e18,
    4_294_967_296.0,
];

const INTEGERS: [i64; 16] = [
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
    1 << 20,
    (1 << 28) + 1,
    1 << 32,
    1 << 62,
    65_536,
    65_537,
    4096,
    4097,
    255,
    -128,
    u32::MAX as i64,
    64,
    100,
];

/// Words that mean something somewhere in the contract, and some that never do.
const WORDS: [&str; 56] = [
    "",
    "a",
    "b",
    "*",
    "cpu",
    "cuda:0",
    "0",
    "1",
    "batch",
    "step",
    "epoch",
    "lr",
    "weight_decay",
    "beta1",
    "eps",
    "momentum",
    "exp_avg",
    "exp_avg_sq",
    "step_count",
    "momentum_buffer",
    "default",
    "hidden.0.bias",
    "fc.weight",
    "label_smoothing",
    "reduction",
    "weight",
    "ignore_index",
    "batch_size",
    "shuffle",
    "drop_last",
    "max_batches",
    "num_workers",
    "prefetch",
    "horizontal_flip",
    "normalize",
    "random_crop",
    "true",
    "null",
    "0.5",
    "-1",
    "1e400",
    "[1, 2",
    "{\"a\": [1]}",
    "18446744073709551615",
    "hidden.0.weight",
    "fc.bias",
    "*.weight",
    "[!a-",
    "{a,{b,{c,*}}}",
    "a//b",
    "../../etc/passwd",
    "picture.png",
    "best",
    "latest",
    "a\u{0}b\n\u{1b}[31m",
    "\u{10ffff}ÿ\u{301}",
];

/// Names of parameters of the training's network, and patterns of such names.
const PARAMETERS: [&str; 6] = [
    "hidden.0.weight",
    "hidden.0.bias",
    "fc.weight",
    "fc.bias",
    "*.weight",
    "*",
];

/// Keys that optimizers, losses and loaders let a callback read or change.
const SETTINGS: [&str; 8] = [
    "lr",
    "weight_decay",
    "beta1",
    "exp_avg",
    "label_smoothing",
    "batch_size",
    "max_batches",
    "shuffle",
];

/// Values of settings.
const METRICS: [&str; 4] = [
    "\"Accuracy\"",
    "{\"TopK\": {\"k\": 2}}",
    "\"F1\"",
    "\"DetectionMetrics\"",
];

const JSON: [&str; 8] = ["0", "1", "2", "0.5", "true", "false", "null", "\"mean\""];

impl Bytes {
    pub(crate) fn from_hexadecimal(text: &str, extremes: u32) -> Bytes {
        let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
        Bytes {
            all: text.as_bytes().chunks(2).map_while(pair).collect(),
            next: 0,
            extremes,
            numbers: 0,
            has_long: false,
        }
    }

    /// The draw that was made from here before.
    fn again<T>(&mut self, next: usize, draw: &mut impl FnMut(&mut Bytes) -> T) -> T {
        self.next = next;
        draw(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next >= self.all.len()
    }

    pub(crate) fn next(&mut self) -> Option<u8> {
        let byte = self.all.get(self.next).copied();
        self.next += 1;
        byte
    }

    /// The index of the next call: one byte, or after one of eight bytes the next one too. None ends the turn.
    pub(crate) fn call(&mut self) -> Option<usize> {
        match self.next()? {
            byte @ 0..ONE_BYTE => Some(usize::from(byte)),
            ONE_BYTE..248 => Some(usize::from(ONE_BYTE) + usize::from(self.byte())),
            248.. => None,
        }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// One of so many things; none of none.
    pub(crate) fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let chosen = usize::from(self.byte());
        things.get(chosen.checked_rem(things.len())?)
    }

    /// Mostly one of the things that fit, or one of all.
    pub(crate) fn mostly_of<'a, T>(&mut self, fitting: &'a [T], all: &'a [T]) -> Option<&'a T> {
        match self.byte() {
            0..192 => self.one_of(fitting),
            _ => self.one_of(all),
        }
    }

    pub(crate) fn number(&mut self) -> f64 {
        if self.extremes > 0 {
            return self.extreme_number();
        }
        let byte = self.byte();
        NUMBERS
            .get(usize::from(byte))
            .copied()
            .unwrap_or(f64::from(byte) / 16.0 - 8.0)
    }

    pub(crate) fn bound(&mut self) -> Option<f64> {
        self.flag().then(|| self.number())
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Mostly a dimension that there is, or −4 to 8.
    pub(crate) fn index(&mut self) -> i64 {
        if self.extremes > 0 {
            return self.extreme_index();
        }
        match self.byte() {
            byte @ 0..128 => i64::from(byte % 4) - 1,
            byte @ 128..224 => i64::from(byte % 13) - 4,
            byte => INTEGERS[usize::from(byte % 16)],
        }
    }

    pub(crate) fn offset(&mut self) -> u64 {
        if self.extremes > 0 {
            return 0;
        }
        match self.byte() {
            byte @ 0..224 => u64::from(byte % 13),
            byte => INTEGERS[usize::from(byte % 16)] as u64,
        }
    }

    pub(crate) fn count(&mut self) -> u32 {
        if self.extremes > 0 {
            return self.extreme_count();
        }
        match self.byte() {
            byte @ 0..224 => u32::from(byte % 13),
            byte => INTEGERS[usize::from(byte % 16)] as u32,
        }
    }

    /// Mostly a pixel that there is.
    pub(crate) fn pixel(&mut self) -> i32 {
        self.index() as i32
    }

    /// Mostly a color that there is.
    pub(crate) fn color(&mut self) -> u32 {
        match self.byte() {
            byte @ 0..250 => u32::from(byte) << 16 | u32::from(byte),
            byte => u32::from(byte) << 24,
        }
    }

    pub(crate) fn colors(&mut self) -> Vec<u32> {
        if self.extremes > 0 {
            return vec![0xff_00_ff; self.extreme_length()];
        }
        self.several(Bytes::color)
    }

    pub(crate) fn texts(&mut self) -> Vec<String> {
        if self.extremes > 0 {
            return self.extreme_texts();
        }
        self.several(Bytes::text)
    }

    /// How many arguments follow: few, or once in a while more than there is room for.
    fn few(&mut self) -> usize {
        match self.byte() {
            byte @ 0..250 => usize::from(byte % 6),
            byte => usize::from(byte),
        }
    }

    /// Different arguments; the largest lists have one of them many times.
    pub(crate) fn several<T>(&mut self, mut draw: impl FnMut(&mut Bytes) -> T) -> Vec<T> {
        if self.extremes > 0 {
            let (length, next) = (self.extreme_length(), self.next);
            return (0..length).map(|_| self.again(next, &mut draw)).collect();
        }
        (0..self.few()).map(|_| draw(self)).collect()
    }

    pub(crate) fn indices(&mut self) -> Vec<i64> {
        if self.extremes > 0 {
            return self.extreme_shape();
        }
        self.several(Bytes::index)
    }

    pub(crate) fn integers(&mut self) -> Vec<i64> {
        self.extreme_or(Bytes::extreme_integers, |bytes| bytes.several(Bytes::index))
    }

    pub(crate) fn floats(&mut self) -> Vec<f32> {
        self.extreme_or(Bytes::extreme_floats, |bytes| {
            bytes.several(|bytes| bytes.number() as f32)
        })
    }

    /// A word, two of them together, a very long one, or whatever the bytes are.
    pub(crate) fn text(&mut self) -> String {
        if self.extremes > 0 {
            return self.extreme_text();
        }
        match self.byte() {
            byte @ 0..112 => WORDS[usize::from(byte) % WORDS.len()].to_owned(),
            // The device of the training, or what has no name.
            112..136 => String::new(),
            byte @ 136..160 => format!("{}{}", WORDS[usize::from(byte) % WORDS.len()], self.text()),
            byte @ 160..168 => "long ".repeat(1 << (byte - 158)),
            _ => String::from_utf8_lossy(&self.data()).into_owned(),
        }
    }

    pub(crate) fn parameter(&mut self) -> String {
        self.mostly(&PARAMETERS)
    }

    pub(crate) fn training(&mut self) -> String {
        self.mostly(&["evaluation", "train"])
    }

    pub(crate) fn item(&mut self) -> String {
        self.mostly(&["inputs", "target"])
    }

    pub(crate) fn metric_name(&mut self) -> String {
        self.mostly(&["score"])
    }

    pub(crate) fn scalars(&mut self) -> Vec<ScalarEntry> {
        if self.extremes > 0 {
            return self.extreme_scalars();
        }
        self.several(|bytes| ScalarEntry {
            name: bytes.text(),
            value: bytes.number(),
        })
    }

    pub(crate) fn group_name(&mut self) -> String {
        self.mostly(&["", "default", "no-weight-decay"])
    }

    pub(crate) fn mode(&mut self) -> String {
        self.mostly(&["constant", "reflect", "replicate", "circular"])
    }

    pub(crate) fn way(&mut self) -> String {
        self.mostly(&["nearest", "bilinear", "bicubic"])
    }

    pub(crate) fn format(&mut self) -> String {
        self.mostly(&["xyxy", "xywh", "cxcywh"])
    }

    pub(crate) fn setting(&mut self) -> String {
        self.mostly(&SETTINGS)
    }

    pub(crate) fn json(&mut self) -> String {
        self.extreme_or(Bytes::extreme_json, |bytes| bytes.mostly(&JSON))
    }

    pub(crate) fn metric_entry(&mut self) -> String {
        self.mostly(&METRICS)
    }

    /// Leaves nothing to read.
    pub(crate) fn end(&mut self) {
        self.next = self.all.len();
    }

    /// A name to log under.
    pub(crate) fn name(&mut self) -> String {
        self.extreme_or(Bytes::extreme_name, Bytes::text)
    }

    pub(crate) fn file(&mut self) -> String {
        self.extreme_or(Bytes::extreme_file, Bytes::text)
    }

    pub(crate) fn tag(&mut self) -> String {
        self.extreme_or(Bytes::extreme_tag, Bytes::text)
    }

    pub(crate) fn reason(&mut self) -> String {
        self.extreme_or(Bytes::extreme_reason, Bytes::text)
    }

    pub(crate) fn moment(&mut self) -> String {
        self.mostly(&["batch", "step", "epoch"])
    }

    /// The largest argument, if the largest are asked for.
    fn extreme_or<T>(&mut self, extreme: fn(&mut Bytes) -> T, plain: fn(&mut Bytes) -> T) -> T {
        match self.extremes > 0 {
            true => extreme(self),
            false => plain(self),
        }
    }

    fn mostly(&mut self, fitting: &[&str]) -> String {
        if self.extremes > 0 {
            return self.extreme_word(fitting);
        }
        match self.byte() {
            byte @ 0..192 => fitting[usize::from(byte) % fitting.len()].to_owned(),
            _ => self.text(),
        }
    }

    pub(crate) fn data(&mut self) -> Vec<u8> {
        if self.extremes > 0 {
            return self.extreme_data();
        }
        self.several(Bytes::byte)
    }

    pub(crate) fn level(&mut self) -> Level {
        [
            Level::Trace,
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
        ][usize::from(self.byte() % 5)]
    }

    pub(crate) fn dtype(&mut self) -> Dtype {
        const ALL: [Dtype; 23] = [
            Dtype::Float32,
            Dtype::Int64,
            Dtype::Boolean,
            Dtype::Float64,
            Dtype::Uint8,
            Dtype::Int8,
            Dtype::Int16,
            Dtype::Int32,
            Dtype::Float16,
            Dtype::Bfloat16,
            Dtype::Uint16,
            Dtype::Uint32,
            Dtype::Uint64,
            Dtype::Float8E4m3fn,
            Dtype::Float8E5m2,
            Dtype::Float8E4m3fnuz,
            Dtype::Float8E5m2fnuz,
            Dtype::Float8E8m0fnu,
            Dtype::Float4E2m1fnX2,
            Dtype::Complex32,
            Dtype::Complex64,
            Dtype::Complex128,
            Dtype::Other,
        ];
        ALL[usize::from(self.byte() % 23)]
    }
}
