//! Parameters that a recipe may write in two ways: one number or several. Decides no range but that of probabilities.

use std::ops::RangeInclusive;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// A size in pixels: one side of a square, or `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a size is one side in pixels or [height, width]"
)]
pub(crate) enum Size {
    Square([usize; 1]),
    Side(usize),
    Sides([usize; 2]),
}

impl Size {
    /// `[height, width]`.
    ///
    /// # Errors
    /// A side of 0, or one that is too long.
    pub(crate) fn sides(self, name: &str) -> Result<[usize; 2]> {
        let sides = match self {
            Size::Square([side]) | Size::Side(side) => [side, side],
            Size::Sides(sides) => sides,
        };
        let limit = crate::raster::SIDE_LIMIT;
        ensure!(
            sides.iter().all(|side| (1..=limit).contains(side)),
            "`{name}` must be given, each side in 1..={limit}; it is {sides:?}"
        );
        Ok(sides)
    }
}

/// A range: both ends, or one number whose meaning is the transform's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a range is one number or [from, to]")]
pub(crate) enum Range {
    One(f64),
    Ends([f64; 2]),
}

impl Range {
    /// Both ends; one number `s` stands for `middle ± s`.
    ///
    /// # Errors
    /// Ends that are not finite or in the wrong order.
    pub(crate) fn around(self, name: &str, middle: f64) -> Result<[f64; 2]> {
        let ends = match self {
            Range::One(spread) => [middle - spread.abs(), middle + spread.abs()],
            Range::Ends(ends) => ends,
        };
        checked(name, ends)
    }
}

/// The ends of a range, checked.
pub(crate) fn checked(name: &str, ends: [f64; 2]) -> Result<[f64; 2]> {
    let fits = ends.iter().all(|end| end.is_finite()) && ends[0] <= ends[1];
    ensure!(fits, "`{name}` must be finite and in order, it is {ends:?}");
    Ok(ends)
}

/// A range of factors, which are positive and at most 1,000.
pub(crate) fn factors(name: &str, ends: [f64; 2]) -> Result<[f64; 2]> {
    let [low, high] = checked(name, ends)?;
    ensure!(
        low > 0.0 && high <= 1000.0,
        "`{name}` must be above 0 and at most 1000, it is [{low}, {high}]"
    );
    Ok(ends)
}

/// The values of pixels.
pub(crate) const BYTES: RangeInclusive<f32> = 0.0..=255.0;

/// One number for all channels, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a color is one number or one for each channel")]
pub(crate) enum Color {
    Gray(f32),
    Channels(Vec<f32>),
}

impl Color {
    /// Refuses a color that does not fit images of so many channels.
    ///
    /// # Errors
    /// Another number of numbers, or one that no pixel has.
    pub(crate) fn check(&self, name: &str, channels: usize) -> Result<()> {
        let values = self.channels();
        let is_one_for_all = matches!(self, Color::Gray(_));
        ensure!(
            is_one_for_all || values.len() == channels,
            "`{name}` has {} numbers for {channels} channels\nhint: give one for each, or one number for all",
            values.len()
        );
        ensure!(
            values.iter().all(|value| BYTES.contains(value)),
            "`{name}` must be in 0 to 255, as pixels are"
        );
        Ok(())
    }

    pub(crate) fn channels(&self) -> Vec<f32> {
        match self {
            Color::Gray(value) => vec![*value],
            Color::Channels(values) => values.clone(),
        }
    }
}

/// Refuses what is no probability.
pub(crate) fn probability(name: &str, value: f64) -> Result<()> {
    ensure!(
        (0.0..=1.0).contains(&value),
        "`{name}` is a probability, not {value}"
    );
    Ok(())
}

/// True for a probability that leaves both open.
pub(crate) fn is_open(probability: f64) -> bool {
    0.0 < probability && probability < 1.0
}
