//! Transforms of color: jitter, HSV, the order of channels, erased rectangles. Moves nothing.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::numbers::{Color, Range, checked, factors, is_open, probability};
use super::{Draw, Transform};
use crate::raster::Raster;
use crate::sample::{Pixels, Sample};

/// The image's bytes, changed by `change`.
///
/// # Errors
/// When the sample has no image, or one of float32.
pub(super) fn with_bytes(
    mut sample: Sample,
    change: impl FnOnce(&mut Raster<u8>),
) -> Result<Sample> {
    match sample.image.as_mut().context("a sample without an image")? {
        Pixels::Bytes(raster) => change(raster),
        Pixels::Floats(_) => bail!(
            "it changes the colors of bytes\nhint: put it before the transform that makes float32"
        ),
    }
    Ok(sample)
}

/// torchvision's `ColorJitter` of bytes: brightness, contrast, saturation and hue, in a random order. One number `s` is
/// the range `1 ± s` from 0 up, of `hue` the range `±s`. Gray images have neither saturation nor hue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ColorJitter {
    brightness: Option<Range>,
    contrast: Option<Range>,
    saturation: Option<Range>,
    hue: Option<Range>,
}

/// One of the changes of `ColorJitter`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tone {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

const TONES: [Tone; 4] = [
    Tone::Brightness,
    Tone::Contrast,
    Tone::Saturation,
    Tone::Hue,
];

impl ColorJitter {
    fn range(&self, tone: Tone) -> Result<Option<[f64; 2]>> {
        let (name, range) = match tone {
            Tone::Brightness => ("brightness", self.brightness),
            Tone::Contrast => ("contrast", self.contrast),
            Tone::Saturation => ("saturation", self.saturation),
            Tone::Hue => ("hue", self.hue),
        };
        let Some(range) = range else { return Ok(None) };
        if tone == Tone::Hue {
            let [low, high] = range.around(name, 0.0)?;
            ensure!(
                low >= -0.5 && high <= 0.5,
                "`hue` must be in [-0.5, 0.5], it is [{low}, {high}]"
            );
            return Ok(Some([low, high]));
        }
        let [low, high] = range.around(name, 1.0)?;
        Ok(Some(checked(name, [low.max(0.0), high])?))
    }
}

impl Transform for ColorJitter {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let mut order = TONES;
        draw.random.shuffle(&mut order);
        for tone in order {
            if let Some(range) = self.range(tone)? {
                let factor = draw.between(range) as f32;
                sample = with_bytes(sample, |raster| toned(raster, tone, factor))?;
            }
        }
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        for tone in TONES {
            self.range(tone)?;
        }
        Ok(shape)
    }

    fn draws(&self) -> bool {
        true
    }
}

/// Changes one tone of an image of 1 or 3 channels.
pub(crate) fn toned(raster: &mut Raster<u8>, tone: Tone, factor: f32) {
    let channels = raster.shape[0].max(1);
    let is_gray = channels != 3;
    match tone {
        Tone::Brightness => mix(raster, factor, |_| 0.0),
        Tone::Contrast => {
            let pixels = raster.values.chunks_exact(channels);
            let sum: f64 = pixels.map(|pixel| f64::from(gray(pixel))).sum();
            let mean = sum / (raster.values.len() / channels).max(1) as f64;
            mix(raster, factor, |_| mean as f32);
        }
        Tone::Saturation if !is_gray => mix(raster, factor, |pixel| f32::from(gray(pixel))),
        Tone::Hue if !is_gray => {
            for pixel in raster.values.chunks_exact_mut(3) {
                turn_hue(pixel, factor);
            }
        }
        Tone::Saturation | Tone::Hue => {}
    }
}

/// Each pixel moved away from, or towards, a gray of its own.
pub(super) fn mix(raster: &mut Raster<u8>, factor: f32, other: impl Fn(&[u8]) -> f32) {
    for pixel in raster.values.chunks_exact_mut(raster.shape[0].max(1)) {
        let gray = other(pixel);
        for byte in pixel {
            *byte = (factor * f32::from(*byte) + (1.0 - factor) * gray).clamp(0.0, 255.0) as u8;
        }
    }
}

/// The brightness of a pixel, as torchvision weighs red, green and blue.
fn gray(pixel: &[u8]) -> u8 {
    match *pixel {
        [red, green, blue] => {
            let [red, green, blue] = [red, green, blue].map(f32::from);
            (0.2989 * red + 0.587 * green + 0.114 * blue) as u8
        }
        _ => pixel.first().copied().unwrap_or_default(),
    }
}

/// Turns the hue of a red-green-blue pixel by a fraction of the circle, with the formulas of torchvision.
fn turn_hue(pixel: &mut [u8], turn: f32) {
    let &mut [red, green, blue] = pixel else {
        return;
    };
    let [r, g, b] = [red, green, blue].map(|byte| f32::from(byte) / 255.0);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let range = most - least;
    let (saturation, divisor) = match range > 0.0 {
        true => (range / most, range),
        false => (0.0, 1.0),
    };
    let [rc, gc, bc] = [r, g, b].map(|value| (most - value) / divisor);
    let hue = if most == r {
        bc - gc
    } else if most == g {
        2.0 + rc - bc
    } else {
        4.0 + gc - rc
    };
    let hue = (hue / 6.0 + 1.0) % 1.0;
    let color = of_hue((hue + turn).rem_euclid(1.0), saturation, most);
    for (byte, value) in pixel.iter_mut().zip(color) {
        *byte = (value * (256.0 - 1e-3)) as u8;
    }
}

/// Red, green and blue of a hue in `[0, 1)`, a saturation and a value.
fn of_hue(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let sector = (hue * 6.0).floor();
    let within = hue * 6.0 - sector;
    let p = (value * (1.0 - saturation)).clamp(0.0, 1.0);
    let q = (value * (1.0 - saturation * within)).clamp(0.0, 1.0);
    let t = (value * (1.0 - saturation * (1.0 - within))).clamp(0.0, 1.0);
    match sector as u32 % 6 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    }
}

/// Offsets of hue, saturation and value in OpenCV's units (180, 255, 255), each on or off by chance: SuperGradients'
/// `DetectionHSV`. Takes red, green, blue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Hsv {
    prob: f64,
    hgain: f64,
    sgain: f64,
    vgain: f64,
}

impl Default for Hsv {
    fn default() -> Self {
        Self {
            prob: 1.0,
            hgain: 0.5,
            sgain: 0.5,
            vgain: 0.5,
        }
    }
}

impl Transform for Hsv {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if !draw.chance(self.prob) {
            return Ok(sample);
        }
        let gains = [self.hgain, self.sgain, self.vgain];
        let offsets = gains.map(|gain| draw.between([-gain, gain]));
        let offsets = offsets.map(|offset| (offset * draw.place(1) as f64) as i32);
        with_bytes(sample, |raster| shift_hsv(raster, offsets))
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        for (name, gain) in [
            ("hgain", self.hgain),
            ("sgain", self.sgain),
            ("vgain", self.vgain),
        ] {
            ensure!(
                (0.0..=255.0).contains(&gain),
                "`{name}` must be in [0, 255], it is {gain}"
            );
        }
        ensure!(
            shape[0] == 3,
            "it needs images of 3 channels, not {}",
            shape[0]
        );
        Ok(shape)
    }

    fn draws(&self) -> bool {
        self.prob > 0.0
    }
}

/// Shifts hue, saturation and value of every pixel.
pub(crate) fn shift_hsv(raster: &mut Raster<u8>, [hue, saturation, value]: [i32; 3]) {
    let hue = hue.rem_euclid(180);
    let (of_hue, of_saturation) = (divisors(180, 6), divisors(255, 1));
    let grays: [[u32; 3]; 180] = std::array::from_fn(|hue| grays(hue as u32));
    for pixel in raster.values.as_chunks_mut::<3>().0 {
        let [h, s, v] = hsv_of(*pixel, &of_hue, &of_saturation);
        let h = if h + hue < 180 {
            h + hue
        } else {
            h + hue - 180
        };
        let [s, v] = [s + saturation, v + value].map(|level| level.clamp(0, 255) as u32);
        *pixel = grays[h as usize].map(|gray| toward_gray(v, s * gray));
    }
}

/// A channel's level from its value and its part of gray times the saturation, rounded.
fn toward_gray(value: u32, gray: u32) -> u8 {
    const FULL: u32 = 255 * 30;
    ((value * (FULL - gray) + FULL / 2) / FULL) as u8
}

/// The thirtieths by which red, green and blue of a full hue fall short of the value.
fn grays(hue: u32) -> [u32; 3] {
    let (rising, falling) = (30 - hue % 30, hue % 30);
    match hue / 30 {
        0 => [0, rising, 30],
        1 => [falling, 0, 30],
        2 => [30, 0, rising],
        3 => [30, falling, 0],
        4 => [rising, 30, 0],
        _ => [0, 30, falling],
    }
}

/// Hue in `0..180`, saturation and value of a red-green-blue pixel, with OpenCV's whole numbers.
fn hsv_of(pixel: [u8; 3], of_hue: &[i32; 256], of_saturation: &[i32; 256]) -> [i32; 3] {
    let [r, g, b] = pixel.map(i32::from);
    let value = r.max(g).max(b);
    let range = value - r.min(g).min(b);
    let hue = if value == r {
        g - b
    } else if value == g {
        b - r + 2 * range
    } else {
        r - g + 4 * range
    };
    let hue = fixed(hue, of_hue[range as usize]);
    let saturation = fixed(range, of_saturation[value as usize]);
    [if hue < 0 { hue + 180 } else { hue }, saturation, value]
}

/// The divisors of `full` by `times` each byte.
fn divisors(full: i32, times: i32) -> [i32; 256] {
    std::array::from_fn(|byte| divisor(full, times * byte as i32))
}

/// `full / by` with 12 binary digits behind the point; 0 for a division by 0.
fn divisor(full: i32, by: i32) -> i32 {
    match by {
        0 => 0,
        by => (f64::from(full << 12) / f64::from(by)).round_ties_even() as i32,
    }
}

fn fixed(number: i32, factor: i32) -> i32 {
    (number * factor + (1 << 11)) >> 12
}

/// Exchanges red and blue, by chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SwapChannels {
    prob: f64,
}

impl Default for SwapChannels {
    fn default() -> Self {
        Self { prob: 0.5 }
    }
}

impl Transform for SwapChannels {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if draw.chance(self.prob) {
            match sample.image.as_mut() {
                Some(Pixels::Bytes(raster)) => swap_ends(raster),
                Some(Pixels::Floats(raster)) => swap_ends(raster),
                None => {}
            }
        }
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob).map(|()| shape)
    }

    fn draws(&self) -> bool {
        is_open(self.prob)
    }
}

fn swap_ends<T>(raster: &mut Raster<T>) {
    let channels = raster.shape[0].max(1);
    let pixels = raster.values.chunks_exact_mut(channels);
    pixels.for_each(|pixel| pixel.swap(0, channels - 1));
}

/// torchvision's `RandomErasing`: a rectangle of random area, proportions and place gets one color, or noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomErasing {
    #[serde(alias = "probability", alias = "prob")]
    p: f64,
    /// The rectangle's share of the area.
    scale: [f64; 2],
    /// Height over width.
    ratio: [f64; 2],
    value: Erased,
}

/// The content of an erased rectangle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`value` is a number, one for each channel, or `random`"
)]
pub(crate) enum Erased {
    Color(Color),
    Noise(Noise),
}

/// Numbers of the standard normal distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Noise {
    Random,
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self {
            p: 0.5,
            scale: [0.02, 0.33],
            ratio: [0.3, 3.3],
            value: Erased::Color(Color::Gray(0.0)),
        }
    }
}

impl RandomErasing {
    /// The corner and the size of the rectangle; nothing if ten drawn ones did not fit.
    fn place(&self, size: [usize; 2], draw: &mut Draw<'_>) -> Option<[[usize; 2]; 2]> {
        let area = (size[0] * size[1]) as f64;
        (0..10).find_map(|_| {
            let erased = area * draw.between(self.scale);
            let ratio = draw.between(self.ratio.map(f64::ln)).exp();
            let sides = [(erased * ratio).sqrt(), (erased / ratio).sqrt()];
            let [height, width] = sides.map(|side| side.round_ties_even() as usize);
            (height < size[0] && width < size[1]).then(|| {
                let top = draw.place(size[0] - height);
                [[top, draw.place(size[1] - width)], [height, width]]
            })
        })
    }

    fn color(&self, channels: usize, draw: &mut Draw<'_>) -> f32 {
        match &self.value {
            Erased::Color(Color::Gray(value)) => *value,
            Erased::Color(Color::Channels(values)) => values.get(channels).copied().unwrap_or(0.0),
            Erased::Noise(_) => draw.random.normal() as f32,
        }
    }
}

impl Transform for RandomErasing {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if !draw.chance(self.p) {
            return Ok(sample);
        }
        let Some([at, size]) = self.place(sample.size()?, draw) else {
            return Ok(sample);
        };
        match sample.image.as_mut() {
            Some(Pixels::Floats(raster)) => {
                erase(raster, at, size, |channel| self.color(channel, draw))
            }
            Some(Pixels::Bytes(_)) if matches!(self.value, Erased::Noise(_)) => {
                bail!("noise needs float32 pixels\nhint: put it after `ToTensor` and `Normalize`")
            }
            Some(Pixels::Bytes(raster)) => {
                erase(raster, at, size, |channel| self.color(channel, draw) as u8)
            }
            None => {}
        }
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("p", self.p)?;
        factors("scale", self.scale)?;
        factors("ratio", self.ratio)?;
        if let Erased::Color(color) = &self.value {
            color.check("value", shape[0])?;
        }
        Ok(shape)
    }

    fn draws(&self) -> bool {
        self.p > 0.0
    }
}

fn erase<T>(
    raster: &mut Raster<T>,
    [top, left]: [usize; 2],
    [height, width]: [usize; 2],
    mut color: impl FnMut(usize) -> T,
) {
    let channels = raster.shape[0].max(1);
    let rows = raster.values.chunks_exact_mut(raster.shape[2] * channels);
    for row in rows.skip(top).take(height) {
        let pixels = row.chunks_exact_mut(channels).skip(left).take(width);
        for (channel, value) in pixels.flat_map(|pixel| pixel.iter_mut().enumerate()) {
            *value = color(channel);
        }
    }
}
