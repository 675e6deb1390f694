//! `RandAugmentTransform` (Cubuk et al. 2020), as timm and SuperGradients have it: a few operations drawn from fifteen, with
//! a strength in `0..=10`. Owns the operations on bytes that only it has; places are `sample`'s.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::color::{mix, with_bytes};
use super::{Draw, Transform};
use crate::raster::{Matrix, Raster};
use crate::sample::{Fill, Move, Sample};

/// The strongest strength.
const STRONGEST: f64 = 10.0;

/// Operations drawn by chance. `config_str` is such as `rand-m7-n2-mstd0.5-inc1`: strength 10 unless `m` says otherwise, 2
/// operations unless `n`, a strength that varies by `mstd`, operations that all grow stronger with it with `inc1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RandAugment {
    config_str: String,
    /// The largest shift is 0.45 of it, in pixels.
    crop_size: usize,
    /// Fills what is beyond the image, by channel in `[0, 1]`.
    #[serde(default = "imagenet_mean")]
    img_mean: Vec<f32>,
}

fn imagenet_mean() -> Vec<f32> {
    vec![0.485, 0.456, 0.406]
}

/// The numbers in `config_str`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Config {
    strength: f64,
    spread: f64,
    count: u64,
    is_increasing: bool,
}

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    Posterize,
    Solarize,
    SolarizeAdd,
    Color,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}

use Operation::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Invert, Posterize, Rotate, Sharpness,
    ShearX, ShearY, Solarize, SolarizeAdd, TranslateX, TranslateY,
};

const OPERATIONS: [Operation; 15] = [
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    Posterize,
    Solarize,
    SolarizeAdd,
    Color,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
];

impl RandAugment {
    fn config(&self) -> Result<Config> {
        let mut config = Config {
            strength: STRONGEST,
            spread: 0.0,
            count: 2,
            is_increasing: false,
        };
        let mut sections = self.config_str.split('-');
        ensure!(
            sections.next() == Some("rand"),
            "`config_str` begins with `rand`, such as `rand-m9-mstd0.5`; it is `{}`",
            self.config_str
        );
        for section in sections {
            self.read(section, &mut config)?;
        }
        ensure!(
            (0.0..=STRONGEST).contains(&config.strength)
                && (0.0..=STRONGEST).contains(&config.spread)
                && (1..=15).contains(&config.count),
            "`config_str`: `m` and `mstd` are in 0..=10, `n` in 1..=15; it is `{}`",
            self.config_str
        );
        Ok(config)
    }

    fn read(&self, section: &str, config: &mut Config) -> Result<()> {
        let digits = section.find(|letter: char| letter.is_ascii_digit());
        let (key, number) = section.split_at(digits.unwrap_or(section.len()));
        let number: f64 = number
            .parse()
            .with_context(|| format!("`config_str`: `{section}` has no number"))?;
        match key {
            "m" => config.strength = number,
            "mstd" => config.spread = number,
            "n" => config.count = number as u64,
            "inc" => config.is_increasing = number > 0.0,
            other => bail!("`config_str`: unknown part `{other}`; known: m, n, mstd, inc"),
        }
        Ok(())
    }

    /// The argument of an operation at a strength.
    fn argument(&self, operation: Operation, config: &Config, draw: &mut Draw<'_>) -> f64 {
        let spread = config.spread
            * if config.spread > 0.0 {
                draw.random.normal()
            } else {
                0.0
            };
        let strength = (config.strength + spread).clamp(0.0, STRONGEST) / STRONGEST;
        let is_increasing = config.is_increasing;
        match operation {
            AutoContrast | Equalize | Invert => 0.0,
            Rotate => signed(strength * 30.0, draw),
            ShearX | ShearY => signed(strength * 0.3, draw),
            TranslateX | TranslateY => signed(strength * 0.45 * self.crop_size as f64, draw),
            Posterize => {
                let bits = (strength * 4.0).trunc();
                if is_increasing { 4.0 - bits } else { bits }
            }
            Solarize => {
                let threshold = (strength * 256.0).trunc();
                if is_increasing {
                    256.0 - threshold
                } else {
                    threshold
                }
            }
            SolarizeAdd => (strength * 110.0).trunc(),
            Color | Contrast | Brightness | Sharpness if is_increasing => {
                (1.0 + signed(strength * 0.9, draw)).max(0.1)
            }
            Color | Contrast | Brightness | Sharpness => strength * 1.8 + 0.1,
        }
    }
}

/// The number or its opposite.
fn signed(number: f64, draw: &mut Draw<'_>) -> f64 {
    if draw.chance(0.5) { -number } else { number }
}

impl Transform for RandAugment {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let config = self.config()?;
        let fill = Fill {
            image: self
                .img_mean
                .iter()
                .map(|mean| (mean * 255.0).round())
                .collect(),
            mask: None,
        };
        for _ in 0..config.count {
            let operation = OPERATIONS[draw.place(OPERATIONS.len() - 1)];
            if draw.chance(0.5) {
                let argument = self.argument(operation, &config, draw);
                sample = applied(operation, argument, sample, &fill)?;
            }
        }
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        self.config()?;
        ensure!(
            self.img_mean.iter().all(|mean| mean.is_finite()),
            "`img_mean` must be finite: {:?}",
            self.img_mean
        );
        Ok(shape)
    }

    fn draws(&self) -> bool {
        true
    }
}

/// Does one operation.
fn applied(operation: Operation, argument: f64, sample: Sample, fill: &Fill) -> Result<Sample> {
    let size = sample.size()?;
    match map(operation, argument, size) {
        Some(matrix) => sample.moved(Move::Warp(matrix, size), fill),
        None => with_bytes(sample, |raster| recolored(raster, operation, argument)),
    }
}

/// The map of an operation that moves pixels.
pub(crate) fn map(
    operation: Operation,
    argument: f64,
    [height, width]: [usize; 2],
) -> Option<Matrix> {
    Some(match operation {
        Rotate => {
            let (sin, cos) = argument.to_radians().sin_cos();
            let [x, y] = [width as f64 / 2.0, height as f64 / 2.0];
            [
                cos,
                sin,
                x - cos * x - sin * y,
                -sin,
                cos,
                y + sin * x - cos * y,
            ]
        }
        ShearX => [1.0, -argument, 0.0, 0.0, 1.0, 0.0],
        ShearY => [1.0, 0.0, 0.0, -argument, 1.0, 0.0],
        TranslateX => [1.0, 0.0, -argument, 0.0, 1.0, 0.0],
        TranslateY => [1.0, 0.0, 0.0, 0.0, 1.0, -argument],
        _ => return None,
    })
}

/// Does an operation that changes colors alone, with the whole numbers of Pillow.
pub(crate) fn recolored(raster: &mut Raster<u8>, operation: Operation, argument: f64) {
    let factor = argument as f32;
    match operation {
        AutoContrast => by_channel(raster, stretched),
        Equalize => by_channel(raster, equalized),
        Invert => each(raster, |byte| 255 - byte),
        Posterize => {
            let kept = !(255u8.checked_shr(argument as u32).unwrap_or(0));
            each(raster, |byte| byte & kept);
        }
        Solarize => each(raster, |byte| {
            if f64::from(byte) < argument {
                byte
            } else {
                255 - byte
            }
        }),
        SolarizeAdd => each(raster, |byte| {
            if byte < 128 {
                byte.saturating_add(argument as u8)
            } else {
                byte
            }
        }),
        Color => mix(raster, factor, |pixel| f32::from(luma(pixel))),
        Brightness => mix(raster, factor, |_| 0.0),
        Contrast => {
            let channels = raster.shape[0].max(1);
            let pixels = raster.values.chunks_exact(channels);
            let sum: f64 = pixels.map(|pixel| f64::from(luma(pixel))).sum();
            let count = (raster.values.len() / channels).max(1);
            let mean = (sum / count as f64 + 0.5).floor() as f32;
            mix(raster, factor, |_| mean);
        }
        Sharpness => sharpened(raster, factor),
        Rotate | ShearX | ShearY | TranslateX | TranslateY => {}
    }
}

fn each(raster: &mut Raster<u8>, change: impl Fn(u8) -> u8) {
    for byte in &mut raster.values {
        *byte = change(*byte);
    }
}

/// Puts each channel through the table that `table` makes of its counts.
fn by_channel(raster: &mut Raster<u8>, table: fn(&[u64; 256]) -> [u8; 256]) {
    let channels = raster.shape[0].max(1);
    for channel in 0..channels {
        let mut counts = [0u64; 256];
        for byte in raster.values.iter().skip(channel).step_by(channels) {
            counts[usize::from(*byte)] += 1;
        }
        let table = table(&counts);
        for byte in raster.values.iter_mut().skip(channel).step_by(channels) {
            *byte = table[usize::from(*byte)];
        }
    }
}

fn unchanged() -> [u8; 256] {
    std::array::from_fn(|byte| byte as u8)
}

/// The darkest byte becomes black, the brightest white.
fn stretched(counts: &[u64; 256]) -> [u8; 256] {
    let used = |(_, count): &(usize, &u64)| **count > 0;
    let mut bytes = counts.iter().enumerate().filter(used).map(|(byte, _)| byte);
    let low = bytes.next().unwrap_or(0);
    let high = bytes.next_back().unwrap_or(low);
    if high <= low {
        return unchanged();
    }
    let scale = 255.0 / (high - low) as f64;
    let offset = -(low as f64) * scale;
    std::array::from_fn(|byte| (byte as f64 * scale + offset).clamp(0.0, 255.0) as u8)
}

/// All brightnesses become equally frequent.
fn equalized(counts: &[u64; 256]) -> [u8; 256] {
    let used = counts.iter().filter(|count| **count > 0);
    let (last, total) = (
        used.clone().next_back().copied().unwrap_or(0),
        used.sum::<u64>(),
    );
    let step = (total - last) / 255;
    if step == 0 {
        return unchanged();
    }
    let mut below = step / 2;
    std::array::from_fn(|byte| {
        let level = (below / step).min(255) as u8;
        below += counts[byte];
        level
    })
}

/// The brightness of a pixel with the weights of Pillow.
fn luma(pixel: &[u8]) -> u8 {
    match *pixel {
        [red, green, blue] => {
            let [red, green, blue] = [red, green, blue].map(u32::from);
            ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as u8
        }
        _ => pixel.first().copied().unwrap_or_default(),
    }
}

/// Moved away from, or towards, a smoothed image; the edge is not smoothed.
fn sharpened(raster: &mut Raster<u8>, factor: f32) {
    let [channels, height, width] = raster.shape;
    let old = raster.values.clone();
    let row = channels * width;
    for y in 1..height.saturating_sub(1) {
        for at in y * row + channels..(y + 1) * row - channels {
            let ring = [at - row, at, at + row].map(|middle| {
                let three = [middle - channels, middle, middle + channels];
                three.map(|place| u32::from(old[place])).iter().sum::<u32>()
            });
            let sum: u32 = ring.iter().sum::<u32>() + 4 * u32::from(old[at]);
            let smooth = (sum as f32 / 13.0).round();
            let sharp = smooth + factor * (f32::from(old[at]) - smooth);
            raster.values[at] = sharp.clamp(0.0, 255.0) as u8;
        }
    }
}
