//! Arguments at their extremes for `host/fuzz/tests/costs`, which measures the largest cost of one call. A byte chooses from
//! a short list of each kind. Lists go together: equal bytes choose arguments that fit, and a 6 what is beyond all bounds.

use phasebox_sdk::prelude::*;

use crate::bytes::Bytes;
use crate::hands::Hands;

/// The bytes of a long text or file, of which one call carries one.
const LONG: usize = 16 << 20;
/// The bytes of others in the same call: one host call carries 20 MiB.
const NEXT: usize = 1 << 20;
/// The longest name that can be logged, without that of the callback.
const NAME: usize = 256 - "monkey/".len();
/// The byte that chooses what is beyond all bounds.
const BEYOND: u8 = 6;

impl Bytes {
    fn choose<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.byte()) % list.len()]
    }

    fn long(&mut self) -> usize {
        let has_long = std::mem::replace(&mut self.has_long, true);
        if has_long { NEXT } else { LONG }
    }

    fn within(&mut self, most: usize) -> String {
        let byte = self.byte();
        let letter = char::from(b'a' + byte % 26).to_string();
        match byte % 8 {
            BEYOND => letter.repeat(self.long()),
            _ => letter.repeat(most),
        }
    }

    pub(crate) fn extreme_name(&mut self) -> String {
        self.within(NAME)
    }

    pub(crate) fn extreme_file(&mut self) -> String {
        self.within(128)
    }

    pub(crate) fn extreme_tag(&mut self) -> String {
        self.within(64)
    }

    pub(crate) fn extreme_reason(&mut self) -> String {
        self.choose(&["x", "\u{1}"]).repeat(self.long())
    }

    pub(crate) fn extreme_word(&mut self, fitting: &[&str]) -> String {
        match self.byte() {
            byte if byte % 8 == BEYOND => "x".repeat(self.long()),
            byte => fitting[usize::from(byte) % fitting.len()].to_owned(),
        }
    }

    /// A text that may be a device, a name to keep a tensor under, the name of a parameter, or letters to draw.
    pub(crate) fn extreme_text(&mut self) -> String {
        let (text, times) = self.choose(&[
            ("", 0),
            ("hidden.0.weight", 1),
            ("x", 256),
            ("", 0),
            ("*", 256),
            ("", 0),
            ("x", LONG),
            ("*", 1),
            ("x", 4096),
        ]);
        let times = if times == LONG { self.long() } else { times };
        text.repeat(times)
    }

    pub(crate) fn extreme_texts(&mut self) -> Vec<String> {
        vec!["x".repeat(256); self.extreme_length()]
    }

    pub(crate) fn extreme_json(&mut self) -> String {
        match self.byte() % 8 {
            4 => "0.5".to_owned(),
            5 => "2".to_owned(),
            7 => "true".to_owned(),
            BEYOND => " ".repeat(self.long()),
            _ => format!("[{}0]", "0,".repeat(8000)),
        }
    }

    pub(crate) fn extreme_data(&mut self) -> Vec<u8> {
        vec![self.byte(); self.long()]
    }

    pub(crate) fn extreme_integers(&mut self) -> Vec<i64> {
        vec![1; self.long() / size_of::<i64>()]
    }

    pub(crate) fn extreme_floats(&mut self) -> Vec<f32> {
        vec![0.5; self.long() / size_of::<f32>()]
    }

    /// 0 to the number of elements by 1, or fractions.
    pub(crate) fn extreme_number(&mut self) -> f64 {
        let all = f64::from(self.extremes).exp2();
        self.numbers += 1;
        match self.byte() % 4 {
            2 => 0.5,
            _ => [0.0, all, 1.0][(self.numbers - 1) % 3],
        }
    }

    pub(crate) fn extreme_index(&mut self) -> i64 {
        self.choose(&[0, 0, 1, 0, 0, 0, i64::MAX, 0, 0])
    }

    /// Lengths, bins, classes, boxes and scales at their bounds.
    pub(crate) fn extreme_count(&mut self) -> u32 {
        let all = 1 << self.extremes;
        let side = 1 << (self.extremes / 2);
        self.choose(&[
            side,
            all,
            1 << 22,
            1 << 21,
            1024,
            65_536,
            u32::MAX,
            32,
            8,
            1,
        ])
    }

    /// A shape, or dimensions.
    pub(crate) fn extreme_shape(&mut self) -> Vec<i64> {
        let (all, side) = (1 << self.extremes, 1 << (self.extremes / 2));
        if self.byte() % 8 == BEYOND {
            return vec![1; NEXT / size_of::<i64>()];
        }
        self.choose::<&[i64]>(&[
            &[all],
            &[side, side],
            &[0],
            &[1 << 22],
            &[-1],
            &[1 << 21],
            &[],
            &[],
            &[0],
            &[1, 0],
        ])
        .to_vec()
    }

    pub(crate) fn extreme_scalars(&mut self) -> Vec<ScalarEntry> {
        let entry = |index| ScalarEntry {
            name: format!("{index:0>NAME$}"),
            value: 0.5,
        };
        (0..self.extreme_length()).map(entry).collect()
    }

    pub(crate) fn extreme_length(&mut self) -> usize {
        self.choose(&[1024, 1, 1024, 256, 1024, 1, 4097, 4096, 1024])
    }
}

impl Hands {
    /// Tensors of 2^`size` elements, most of which take no memory: what becomes of them does. With `noise` images and one
    /// tensor are noise, which is hard to sort and to compress.
    pub(crate) fn pick_up_extremes(&mut self, ctx: &PhaseContext, size: u32, noise: bool) {
        let (all, side) = (1i64 << size, 1i64 << (size / 2));
        let wide = |shape: &[i64], dtype| tensor::zeros(&[1], dtype, "")?.expand(shape);
        let pixels = (1i64 << size.min(24).div_ceil(2)) - 2;
        let boxes = 1i64 << size.min(15);
        let real = (all / 4).max(1);
        let real = match noise {
            true => noise_of(real),
            false => tensor::zeros(&[real], Dtype::Float32, ""),
        };
        let yes = tensor::full(&[1], 1.0, Dtype::Boolean, "");
        let tensors = [
            wide(&[all], Dtype::Float32),
            wide(&[side, side], Dtype::Float32),
            wide(&[4, (all / 4).max(1)], Dtype::Float32),
            wide(&[all], Dtype::Int64),
            yes.and_then(|yes| yes.expand(&[all])),
            real,
            wide(&[all], Dtype::Float64),
            tensor::zeros(&[], Dtype::Float32, ""),
            ctx.loss()
                .or_else(|_| tensor::zeros(&[], Dtype::Float32, "")),
        ];
        self.tensors = tensors.into_iter().flatten().collect();
        self.images = one(wide(
            &[1, 3, (side / 2).max(1), (side / 2).max(1)],
            Dtype::Float32,
        ));
        self.boxes = [outer(boxes.min(1024)), apart(boxes)]
            .into_iter()
            .flatten()
            .collect();
        self.scores = one(wide(&[boxes], Dtype::Float32));
        self.masks = one(wide(&[64, pixels, pixels], Dtype::Boolean));
        if noise {
            let image = noise_of(pixels * pixels);
            self.image = one(image.and_then(|image| image.reshape(&[1, pixels, pixels])));
        }
    }
}

fn one(tensor: Result<Tensor>) -> Vec<Tensor> {
    tensor.into_iter().collect()
}

/// So many boxes around every image.
fn outer(count: i64) -> Result<Tensor> {
    let one = tensor::from_f32(&[4], &[0.0, 0.0, 8192.0, 8192.0], "")?;
    one.expand(&[count, 4])
}

/// So many boxes, none of which overlaps another.
fn apart(count: i64) -> Result<Tensor> {
    let low = tensor::arange(0.0, count as f64, 1.0, Dtype::Float32, "")?;
    let high = low.affine(1.0, 0.5)?;
    tensor::stack(&[&low, &low, &high, &high], 1)
}

/// Numbers from 0 to 1 in no order.
fn noise_of(length: i64) -> Result<Tensor> {
    let numbers = tensor::arange(0.0, length as f64, 1.0, Dtype::Float32, "")?;
    numbers.affine(12.9898, 0.0)?.sin()?.affine(0.5, 0.5)
}
