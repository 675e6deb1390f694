//! Boxes of one image with their classes: where they come from a target, and how they are drawn. Owns names and colors.

use super::{MOST_BOXES, corners, first, length};
use crate::bindings::phasebox::train::tensor::{self, Tensor};
use crate::bindings::phasebox::train::vision;
use crate::error::Result;

/// The longest name that is written beside a box.
const MOST_LETTERS: usize = 40;
/// The height of a line of text.
const LINE: f64 = 9.0;
const WHITE: u32 = 0xff_ff_ff;
/// Colors of classes, in turn.
const COLORS: [u32; 8] = [
    0xff3838, 0x00c2ff, 0x48f90a, 0xff9d97, 0xcfd231, 0xff37c7, 0x8438ff, 0xff701f,
];

/// Boxes on an image.
pub struct Boxes {
    /// Left, top, right and bottom in pixels, `[N, 4]`.
    pub(super) corners: Tensor,
    pub(super) classes: Vec<i64>,
    /// Empty for the truth.
    pub(super) scores: Vec<f32>,
}

impl Boxes {
    /// No box. Nothing can be selected from no rows, so this is a view of `rows`, which have four columns or more.
    pub(super) fn none(rows: &Tensor) -> Result<Boxes> {
        Ok(Boxes {
            corners: rows.narrow(0, 0, 0)?.narrow(1, 0, 4)?,
            classes: Vec::new(),
            scores: Vec::new(),
        })
    }

    /// The truth of the image `image` of a batch, from the rows of its target: image, class, center x and y, width, height.
    /// `unit` has the width and the height that the last four are parts of; 1 where they are pixels. Syncs twice.
    ///
    /// # Errors
    /// Those of the host.
    pub fn of_truth(target: &Tensor, image: i64, unit: [f64; 2]) -> Result<Boxes> {
        if length(target)? == 0 {
            return Boxes::none(&target.narrow(1, 0, 4)?);
        }
        let own = target.select(1, 0)?.eq_scalar(image as f64)?.nonzero()?;
        let rows = target.index_select(0, &own.reshape(&[-1])?)?;
        let rows = first(&rows, MOST_BOXES)?;
        let [width, height] = unit.map(|length| length as f32);
        let unit = tensor::from_f32(&[1, 4], &[width, height, width, height], "")?;
        let count = length(&rows)? as u32;
        Ok(Boxes {
            corners: corners(&rows.narrow(1, 2, 4)?.mul(&unit)?)?,
            classes: rows.select(1, 1)?.read_s64(0, count)?,
            scores: Vec::new(),
        })
    }

    /// Class, corners in pixels and score of each box; the score of the truth is 1. Syncs.
    ///
    /// # Errors
    /// Those of the host.
    pub fn rows(&self) -> Result<Vec<(i64, [f32; 4], f32)>> {
        let count = 4 * self.classes.len() as u32;
        let corners = self.corners.read_f32(0, count)?;
        let (corners, _) = corners.as_chunks::<4>();
        let scores = self.scores.iter().copied().chain(std::iter::repeat(1.0));
        let each = self.classes.iter().zip(corners).zip(scores);
        Ok(each
            .map(|((class, corners), score)| (*class, *corners, score))
            .collect())
    }

    /// Names, and scores where there are some.
    fn labels(&self, classes: &[String]) -> Vec<String> {
        let scores = self.scores.iter().map(|score| format!(" {score:.2}"));
        let scores = scores.chain(std::iter::repeat(String::new()));
        let each = self.classes.iter().zip(scores);
        each.map(|(class, score)| name_of(classes, *class) + &score)
            .collect()
    }

    /// Draws each box in the color of its class, with its name in the corner at the top left. `picture` is `[3, H, W]`.
    /// Syncs.
    ///
    /// # Errors
    /// Those of the host.
    pub fn draw(&self, picture: &Tensor, classes: &[String]) -> Result<Tensor> {
        let colors = self.classes.iter().map(|class| color(*class));
        let colors: Vec<u32> = colors.collect();
        self.outline(&self.corners, picture, &colors, &self.labels(classes))
    }

    /// Draws each box in white, with its name in a line at its bottom: there is room for a label of [`Boxes::draw`] above.
    /// Syncs twice.
    ///
    /// # Errors
    /// Those of the host.
    pub fn draw_beneath(&self, picture: &Tensor, classes: &[String]) -> Result<Tensor> {
        let side = |place: i64| self.corners.narrow(1, place, 1);
        let line = side(3)?.affine(1.0, -LINE)?;
        let tops = side(1)?.maximum(&line)?;
        let lines = tensor::cat(&[&side(0)?, &tops, &side(2)?, &side(3)?], 1)?;
        let picture = self.outline(&self.corners, picture, &[WHITE], &[])?;
        self.outline(&lines, &picture, &[WHITE], &self.labels(classes))
    }

    fn outline(
        &self,
        corners: &Tensor,
        picture: &Tensor,
        colors: &[u32],
        labels: &[String],
    ) -> Result<Tensor> {
        match self.classes.is_empty() {
            true => picture.duplicate(),
            false => vision::draw_boxes(picture, corners, colors, 1, labels, 1),
        }
    }
}

fn color(class: i64) -> u32 {
    COLORS[class.rem_euclid(COLORS.len() as i64) as usize]
}

/// The name of a class, cut where it is long; its number where it has none.
fn name_of(classes: &[String], class: i64) -> String {
    let place = usize::try_from(class).ok();
    match place.and_then(|place| classes.get(place)) {
        Some(name) => name.chars().take(MOST_LETTERS).collect(),
        None => class.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_names_or_numbers() {
        let names = ["tree".to_owned(), "x".repeat(100)];
        for (class, expected) in [
            (0, "tree".to_owned()),
            (1, "x".repeat(MOST_LETTERS)),
            (2, "2".to_owned()),
            (-1, "-1".to_owned()),
        ] {
            assert_eq!(name_of(&names, class), expected);
        }
        assert_eq!(
            [color(0), color(8), color(-1)],
            [COLORS[0], COLORS[0], COLORS[7]]
        );
    }
}
