//! Linear interpolation of bytes in whole numbers, for images of 1 or 3 channels: the fast form of what `raster` does for
//! any values. The results differ from it by rounding alone.

use std::ops::Range;

use super::raster::{Matrix, Raster};

/// Binary digits of a share.
const SHARE_BITS: u32 = 11;
const ONE: i32 = 1 << SHARE_BITS;
/// Binary digits of a byte that is interpolated along its row, behind the point.
const ROW_BITS: u32 = 7;
/// Binary digits of a place behind the point.
const PLACE_BITS: u32 = 32;

/// A size, and the part of an image of it that is wanted.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Height and width of the whole.
    pub(super) size: [usize; 2],
    /// The first row and column.
    pub(super) at: [usize; 2],
    /// Height and width of the part, which is inside.
    pub(super) to: [usize; 2],
}

/// Two neighbors along an axis, as places in a row or column, and the share of the second.
#[derive(Clone, Copy)]
struct Pair {
    first: usize,
    second: usize,
    share: i32,
}

/// A part of the raster in another size; nothing for other numbers of channels.
pub(super) fn resized(from: &Raster<u8>, part: Part) -> Option<Raster<u8>> {
    let [height, width] = part.to;
    let shape = [from.shape[0], height, width];
    let values = match from.shape[0] {
        1 => resized_channels::<1>(from, part),
        3 => resized_channels::<3>(from, part),
        _ => return None,
    };
    Some(Raster { shape, values })
}

/// Rows are interpolated along themselves once, and then two of them for each row of the result.
fn resized_channels<const C: usize>(from: &Raster<u8>, part: Part) -> Vec<u8> {
    let [_, own_height, own_width] = from.shape;
    let [rows, columns] = [(0, own_height), (1, own_width)].map(|(axis, own)| {
        let places = part.at[axis]..part.at[axis] + part.to[axis];
        pairs(own, part.size[axis], places)
    });
    let length = part.to[1] * C;
    let mut values = vec![0; part.to[0] * length];
    let (mut upper, mut lower) = (Row::new(length), Row::new(length));
    for (out, pair) in values.chunks_exact_mut(length).zip(rows) {
        if lower.is_row(pair.first) {
            std::mem::swap(&mut upper, &mut lower);
        }
        upper.read::<C>(from, pair.first, &columns);
        lower.read::<C>(from, pair.second, &columns);
        draw_between(&upper.values, &lower.values, pair.share, out);
    }
    values
}

/// The neighbors of places of an axis of `to` pixels in one of `from`; the edge continues.
fn pairs(from: usize, to: usize, places: Range<usize>) -> Vec<Pair> {
    let scale = from as f64 / to as f64;
    let last = from.saturating_sub(1);
    let pair = |place: usize| {
        let middle = ((place as f64 + 0.5) * scale - 0.5).max(0.0);
        let first = (middle as usize).min(last);
        let share = (middle - first as f64).min(1.0) * f64::from(ONE);
        Pair {
            first,
            second: (first + 1).min(last),
            share: (share + 0.5) as i32,
        }
    };
    places.map(pair).collect()
}

/// A row of the source, interpolated along itself.
struct Row {
    number: Option<usize>,
    /// Bytes with `ROW_BITS`.
    values: Vec<i16>,
}

impl Row {
    fn new(length: usize) -> Self {
        Self {
            number: None,
            values: vec![0; length],
        }
    }

    fn is_row(&self, number: usize) -> bool {
        self.number == Some(number)
    }

    fn read<const C: usize>(&mut self, from: &Raster<u8>, number: usize, columns: &[Pair]) {
        if self.is_row(number) {
            return;
        }
        self.number = Some(number);
        let length = from.shape[2] * C;
        let (row, _) = from.values[number * length..][..length].as_chunks::<C>();
        let (out, _) = self.values.as_chunks_mut::<C>();
        for (out, pair) in out.iter_mut().zip(columns) {
            let mixed = mixed(row[pair.first], row[pair.second], pair.share);
            *out = mixed.map(|value| (value >> (SHARE_BITS - ROW_BITS)) as i16);
        }
    }
}

/// Each value of two rows by the share of the second, in numbers of 16 bits, of which a processor computes many at once.
fn draw_between(upper: &[i16], lower: &[i16], share: i32, out: &mut [u8]) {
    const HALF: i16 = 1 << (ROW_BITS - 1);
    // A share of 15 bits: the whole, 2¹⁵, would be negative.
    let share = (share << (15 - SHARE_BITS)).min(i32::from(i16::MAX)) as i16;
    for (out, (upper, lower)) in out.iter_mut().zip(upper.iter().zip(lower)) {
        let part = (i32::from(lower - upper) * i32::from(share)) >> 16;
        *out = ((upper + 2 * part as i16 + HALF) >> ROW_BITS) as u8;
    }
}

/// Two pixels by the share of the second, times `ONE`.
fn mixed<const C: usize>(first: [u8; C], second: [u8; C], share: i32) -> [i32; C] {
    std::array::from_fn(|channel| {
        let [first, second] = [first[channel], second[channel]].map(i32::from);
        first * ONE + (second - first) * share
    })
}

/// Puts the raster, moved by the map whose way back is `back`, onto `out`, which is filled already; `fill` has a byte for
/// each channel. Answers false for numbers of channels that it does not know.
pub(super) fn warp(from: &Raster<u8>, back: &Matrix, fill: &[u8], out: &mut Raster<u8>) -> bool {
    match from.shape[0] {
        1 => warp_channels::<1>(from, back, fill, out),
        3 => warp_channels::<3>(from, back, fill, out),
        _ => return false,
    }
    true
}

fn warp_channels<const C: usize>(
    from: &Raster<u8>,
    back: &Matrix,
    fill: &[u8],
    out: &mut Raster<u8>,
) {
    let source = Source::<C> {
        pixels: from.values.as_chunks().0,
        size: [from.shape[1], from.shape[2]].map(|side| side as i64),
        fill: std::array::from_fn(|channel| fill.get(channel).copied().unwrap_or_default()),
    };
    let (pixels, _) = out.values.as_chunks_mut::<C>();
    for (row, pixels) in pixels.chunks_exact_mut(out.shape[2].max(1)).enumerate() {
        source.draw_row(&Line::new(back, row), pixels);
    }
}

/// The places in the source of a row's pixels: upper left neighbors and shares, with digits behind the point.
struct Line {
    start: [i64; 2],
    step: [i64; 2],
}

impl Line {
    fn new(&[a, b, c, d, e, f]: &Matrix, row: usize) -> Self {
        let y = row as f64 + 0.5;
        let start = [a * 0.5 + b * y + c - 0.5, d * 0.5 + e * y + f - 0.5];
        // A place that is far away stays far away.
        let fixed = |place: f64| (place.clamp(-1e6, 1e6) * (1u64 << PLACE_BITS) as f64) as i64;
        Self {
            start: start.map(fixed),
            step: [a, d].map(fixed),
        }
    }

    fn at(&self, pixel: usize) -> [i64; 2] {
        let pixel = pixel as i64;
        [0, 1].map(|axis| self.start[axis].saturating_add(self.step[axis].saturating_mul(pixel)))
    }

    /// The first and the end of the pixels whose upper left neighbor is from `low` to before `high` in both axes.
    fn span(&self, low: [i64; 2], high: [i64; 2], count: usize) -> [usize; 2] {
        let mut span = [0, count as i64];
        for axis in [0, 1] {
            let [low, high] = [low, high].map(|end| end[axis] << PLACE_BITS);
            let [first, end] = steps(self.start[axis], self.step[axis], low, high);
            span = [span[0].max(first), span[1].min(end)];
        }
        let first = span[0].clamp(0, count as i64) as usize;
        [first, (span[1].max(0) as usize).max(first)]
    }
}

/// The first and the end of the numbers `n` for which `start + n·step` is from `low` to before `high`.
fn steps(start: i64, step: i64, low: i64, high: i64) -> [i64; 2] {
    if step == 0 {
        let is_inside = (low..high).contains(&start);
        return [0, if is_inside { i64::MAX } else { 0 }];
    }
    if step < 0 {
        return steps(-start, -step, 1 - high, 1 - low);
    }
    let up = |distance: i64| -(-distance).div_euclid(step);
    [up(low - start), up(high - start)]
}

/// The pixels that are drawn from.
struct Source<'a, const C: usize> {
    pixels: &'a [[u8; C]],
    /// Height and width.
    size: [i64; 2],
    fill: [u8; C],
}

impl<const C: usize> Source<'_, C> {
    /// Draws a row: without looking at edges where all four neighbors are inside, and nothing where none is.
    fn draw_row(&self, line: &Line, out: &mut [[u8; C]]) {
        let [height, width] = self.size;
        let [first, end] = line.span([-1, -1], [width, height], out.len());
        let [inner, inner_end] = line.span([0, 0], [width - 1, height - 1], out.len());
        let (inner, inner_end) = (inner.clamp(first, end), inner_end.clamp(first, end));
        let inner_end = inner_end.max(inner);
        for pixel in (first..inner).chain(inner_end..end) {
            out[pixel] = self.at_edge(line.at(pixel));
        }
        for (pixel, out) in (inner..).zip(&mut out[inner..inner_end]) {
            *out = self.inside(line.at(pixel));
        }
    }

    fn inside(&self, place: [i64; 2]) -> [u8; C] {
        let ([x, y], shares) = parts(place);
        let at = (y * self.size[1] + x) as usize;
        let upper = &self.pixels[at..at + 2];
        let lower = &self.pixels[at + self.size[1] as usize..][..2];
        blend([upper[0], upper[1], lower[0], lower[1]], shares)
    }

    fn at_edge(&self, place: [i64; 2]) -> [u8; C] {
        let ([x, y], shares) = parts(place);
        let neighbors = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
        blend(neighbors.map(|(x, y)| self.pixel(x, y)), shares)
    }

    fn pixel(&self, x: i64, y: i64) -> [u8; C] {
        let [height, width] = self.size;
        match (0..width).contains(&x) && (0..height).contains(&y) {
            true => self.pixels[(y * width + x) as usize],
            false => self.fill,
        }
    }
}

/// The pixel and the shares of its right and its lower neighbor.
fn parts(place: [i64; 2]) -> ([i64; 2], [i32; 2]) {
    let share = |place: i64| (place >> (PLACE_BITS - SHARE_BITS)) as i32 & (ONE - 1);
    (place.map(|place| place >> PLACE_BITS), place.map(share))
}

/// Four pixels (top left, top right, bottom left, bottom right) by the shares of the right and the lower ones.
fn blend<const C: usize>([a, b, c, d]: [[u8; C]; 4], [right, low]: [i32; 2]) -> [u8; C] {
    let (upper, lower) = (mixed(a, b, right), mixed(c, d, right));
    std::array::from_fn(|channel| between(upper[channel], lower[channel], low))
}

/// Two mixed values by the share of the second, as a byte.
fn between(first: i32, second: i32, share: i32) -> u8 {
    const HALF: i32 = 1 << (2 * SHARE_BITS - 1);
    ((first * ONE + (second - first) * share + HALF) >> (2 * SHARE_BITS)) as u8
}
