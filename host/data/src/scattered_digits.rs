//! The data set `scattered_digits`: the built-in digits at random sizes and places on a canvas, with exact boxes and masks.
//! Real strokes, as many samples as wanted, nothing to download; each is drawn from the seed and its index alone.

use std::sync::Arc;

use anyhow::{Result, ensure};
use phasebox_contract::digest::Digest;
use serde::{Deserialize, Serialize};

use super::images::Images;
use super::random::Random;
use super::raster::{Filter, Raster};
use super::sample::{Bounds, Boxes, Mask, Target};
use super::{Dataset, Sample, Splits, digits, numbered};

/// The sides of a canvas, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 16..=2048;
const MOST_DIGITS: usize = 256;
const MOST_SAMPLES: usize = 100_000_000;
/// Places that are tried for a digit before it is left out.
const TRIES: usize = 20;
/// The part of the smaller of two boxes that may lie in the other.
const MOST_OVERLAP: f32 = 0.1;
/// Pixels of a digit that are darker belong to the background.
const FAINT: u8 = 32;
/// Side of a digit as it was scanned.
const DIGIT_SIDE: usize = 8;

/// Recipe keys of `scattered_digits`. Samples are images `[channels, size, size]` with values in `[0, 1]`; validation
/// uses digits that training never shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScatteredDigitsConfig {
    /// Side of the canvas, in pixels.
    pub size: usize,
    /// 1 for gray, 3 for equal red, green and blue.
    pub channels: usize,
    /// The fewest and the most digits of a sample.
    pub digits: [usize; 2],
    /// The smallest and the largest factor by which the 8×8 digits are enlarged.
    pub scale: [f64; 2],
    /// The target of a sample.
    pub targets: ScatteredTargets,
    /// Training samples in an epoch.
    pub train: usize,
    /// Validation samples.
    pub validation: usize,
    /// Test samples, of the digits of validation; 0 for no test.
    pub test: usize,
    /// Another seed scatters anew.
    pub seed: u64,
}

/// The targets that `scattered_digits` can give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScatteredTargets {
    /// The digits' boxes, in 10 classes.
    #[default]
    Boxes,
    /// The class of each pixel: 0 is background, a digit is itself plus 1.
    Mask,
    /// Both, under the names `boxes` and `mask`.
    BoxesAndMask,
}

impl Default for ScatteredDigitsConfig {
    fn default() -> Self {
        Self {
            size: 96,
            channels: 1,
            digits: [1, 6],
            scale: [1.5, 4.0],
            targets: ScatteredTargets::Boxes,
            train: 2000,
            validation: 400,
            test: 0,
            seed: 0,
        }
    }
}

impl ScatteredDigitsConfig {
    pub(super) fn load(&self) -> Result<Splits> {
        self.check()?;
        let (train, held_out) = digits::parts()?;
        let (train, held_out) = (Arc::new(train), Arc::new(held_out));
        let test = self.test > 0;
        Ok(Splits {
            train: Arc::new(self.part(&train, self.train, 0)),
            validation: Arc::new(self.part(&held_out, self.validation, 1)),
            test: test.then(|| Arc::new(self.part(&held_out, self.test, 2)) as _),
        })
    }

    fn check(&self) -> Result<()> {
        let Self {
            size,
            channels,
            digits,
            scale,
            ..
        } = self;
        ensure!(
            SIDES.contains(size),
            "scattered_digits: `size` is {size}; it must be in {SIDES:?}"
        );
        ensure!(
            [1, 3].contains(channels),
            "scattered_digits: `channels` is 1 or 3, not {channels}"
        );
        ensure!(
            digits[0] <= digits[1] && (1..=MOST_DIGITS).contains(&digits[1]),
            "scattered_digits: `digits` is [fewest, most], the most in 1..={MOST_DIGITS}; it is {digits:?}"
        );
        let largest = *size as f64 / DIGIT_SIDE as f64;
        ensure!(
            1.0 <= scale[0] && scale[0] <= scale[1] && scale[1] <= largest,
            "scattered_digits: `scale` is [smallest, largest] in 1..={largest}, so that a digit fits; it is {scale:?}"
        );
        for (key, count) in [
            ("train", self.train),
            ("validation", self.validation),
            ("test", self.test),
        ] {
            ensure!(
                count <= MOST_SAMPLES && (count > 0 || key == "test"),
                "scattered_digits: `{key}` is {count}; it must be in 1..={MOST_SAMPLES}"
            );
        }
        Ok(())
    }

    fn part(&self, digits: &Arc<Images>, length: usize, part: u64) -> ScatteredDigits {
        let mut classes = numbered(10);
        if self.targets == ScatteredTargets::Mask {
            classes.insert(0, "background".to_owned());
        }
        ScatteredDigits {
            config: self.clone(),
            digits: Arc::clone(digits),
            length,
            part,
            classes,
        }
    }
}

/// One part of the data set.
struct ScatteredDigits {
    config: ScatteredDigitsConfig,
    digits: Arc<Images>,
    length: usize,
    /// Keeps the parts' random numbers apart.
    part: u64,
    classes: Vec<String>,
}

/// The samples' canvas while digits are put on it.
struct Canvas {
    pixels: Raster<u8>,
    classes: Raster<u8>,
    boxes: Vec<Bounds>,
}

impl ScatteredDigits {
    fn scattered(&self, index: usize) -> Result<Canvas> {
        let ScatteredDigitsConfig {
            size, digits, seed, ..
        } = self.config;
        let mut random = Random::keyed(&[seed, self.part, index as u64]);
        let mut canvas = Canvas {
            pixels: Raster::filled(1, [size, size], &[0.0])?,
            classes: Raster::filled(1, [size, size], &[0.0])?,
            boxes: Vec::new(),
        };
        let count = digits[0] + random.below((digits[1] - digits[0]) as u64 + 1) as usize;
        for _ in 0..count {
            let (digit, class) = self.digit(&mut random)?;
            canvas.put(&digit, class, &mut random);
        }
        Ok(canvas)
    }

    /// A digit of random size, without its faint edge, and its class.
    fn digit(&self, random: &mut Random) -> Result<(Raster<u8>, i64)> {
        let index = random.below(self.digits.labels.len() as u64) as usize;
        let [low, high] = self.config.scale;
        let scale = low + (high - low) * random.unit();
        let side = ((DIGIT_SIDE as f64 * scale).round() as usize).min(self.config.size);
        let pixels =
            &self.digits.pixels[index * DIGIT_SIDE * DIGIT_SIDE..][..DIGIT_SIDE * DIGIT_SIDE];
        let bytes = pixels
            .iter()
            .map(|&pixel| (f32::from(pixel) * 255.0 / 16.0) as u8);
        let digit = Raster {
            shape: [1, DIGIT_SIDE, DIGIT_SIDE],
            values: bytes.collect(),
        };
        let mut digit = digit.resized([side, side], Filter::Antialiased)?;
        for pixel in &mut digit.values {
            *pixel = if *pixel < FAINT { 0 } else { *pixel };
        }
        Ok((digit, self.digits.labels[index]))
    }
}

impl Canvas {
    /// Puts a digit at a random place where it covers little of the others; leaves it out if there is none.
    fn put(&mut self, digit: &Raster<u8>, class: i64, random: &mut Random) {
        let Some(own) = bounds_of(digit) else {
            return;
        };
        let [side, _] = digit.size();
        let room = (self.pixels.size()[0] - side) as u64 + 1;
        for _ in 0..TRIES {
            let place = [random.below(room), random.below(room)].map(|place| place as usize);
            let bounds = bounds_at(own, place, class);
            if self
                .boxes
                .iter()
                .all(|other| overlap(other, &bounds) <= MOST_OVERLAP)
            {
                self.boxes.push(bounds);
                self.draw(digit, place, class);
                return;
            }
        }
    }

    fn draw(&mut self, digit: &Raster<u8>, [top, left]: [usize; 2], class: i64) {
        let (width, side) = (self.pixels.size()[1], digit.size()[1]);
        for (row, values) in digit.values.chunks_exact(side).enumerate() {
            let start = (top + row) * width + left;
            for (at, value) in (start..).zip(values).filter(|(_, value)| **value > 0) {
                self.pixels.values[at] = self.pixels.values[at].max(*value);
                self.classes.values[at] = class as u8 + 1;
            }
        }
    }
}

/// The box around the pixels of a digit, as left, top, right and bottom; nothing if it has none.
fn bounds_of(digit: &Raster<u8>) -> Option<[usize; 4]> {
    let side = digit.size()[1];
    let mut bounds: Option<[usize; 4]> = None;
    for (row, values) in digit.values.chunks_exact(side).enumerate() {
        let first = values.iter().position(|value| *value > 0);
        let last = values.iter().rposition(|value| *value > 0);
        if let (Some(first), Some(last)) = (first, last) {
            let [left, top, right, _] = bounds.unwrap_or([first, row, last + 1, row + 1]);
            bounds = Some([left.min(first), top, right.max(last + 1), row + 1]);
        }
    }
    bounds
}

/// The box of a digit with these bounds of its own, at a place.
fn bounds_at(own: [usize; 4], [top, left]: [usize; 2], class: i64) -> Bounds {
    let [x1, y1, x2, y2] = own;
    let corners = [left + x1, top + y1, left + x2, top + y2];
    Bounds {
        class,
        corners: corners.map(|place| place as f32),
        is_crowd: false,
    }
}

/// The part of the smaller box that lies in the other.
fn overlap(a: &Bounds, b: &Bounds) -> f32 {
    let side = |axis: usize| {
        let end = a.corners[axis + 2].min(b.corners[axis + 2]);
        (end - a.corners[axis].max(b.corners[axis])).max(0.0)
    };
    side(0) * side(1) / a.area().min(b.area()).max(1.0)
}

impl Dataset for ScatteredDigits {
    fn len(&self) -> usize {
        self.length
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let (length, channels) = (self.length, self.config.channels);
        ensure!(index < length, "no sample {index} among {length}");
        let Canvas {
            pixels,
            classes,
            boxes,
        } = self.scattered(index)?;
        let colors = pixels
            .values
            .iter()
            .flat_map(|&pixel| (0..channels).map(move |_| pixel));
        let image = Raster {
            shape: [channels, self.config.size, self.config.size],
            values: colors.collect(),
        };
        let boxes = Target::Boxes(Boxes {
            list: boxes,
            ..Boxes::default()
        });
        let mask = Target::Mask(Mask { classes, ignore: 0 });
        let target = match self.config.targets {
            ScatteredTargets::Boxes => vec![(String::new(), boxes)],
            ScatteredTargets::Mask => vec![(String::new(), mask)],
            ScatteredTargets::BoxesAndMask => {
                vec![("boxes".to_owned(), boxes), ("mask".to_owned(), mask)]
            }
        };
        Ok(Sample {
            target,
            ..Sample::of_image(image, 255.0, Target::Class(0))
        })
    }

    fn fingerprint(&self) -> Option<Digest> {
        let config = ScatteredDigitsConfig {
            train: self.length,
            validation: 0,
            test: self.part as usize,
            ..self.config.clone()
        };
        Some(Digest::of(&serde_json::to_vec(&config).ok()?))
    }

    fn input_shape(&self) -> Vec<i64> {
        let ScatteredDigitsConfig { size, channels, .. } = self.config;
        [channels, size, size].map(|side| side as i64).to_vec()
    }

    fn class_names(&self) -> Option<&[String]> {
        Some(&self.classes)
    }

    fn description(&self) -> String {
        let size = self.config.size;
        format!(
            "scattered_digits ({} samples of {size}×{size} pixels)",
            self.length
        )
    }
}
