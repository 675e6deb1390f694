//! An image with its boxes drawn on it, a color for each class. Owns the colors and the width of lines.

use anyhow::Result;
use phasebox_data::Picture;
use phasebox_plugin::drawing::{Color, Overlay};
use tch::{Kind, Tensor};

use super::outcome::Boxed;

/// A PNG file of the image with boxes, their classes and scores.
pub(super) fn png(picture: &Picture, boxes: &[Boxed]) -> Result<Vec<u8>> {
    let [height, width] = picture.size;
    let mut overlay = Overlay::new([3, height, width]);
    let line = (height.min(width) as i64 / 300).clamp(1, 8);
    // The best last, over the others.
    for found in boxes.iter().rev() {
        let color = color(found.index);
        let corners = found.corners.map(|number| number.round() as i64);
        overlay.outline(corners, line, color);
        let label = format!("{} {:.2}", found.class, found.score);
        let at = [corners[0] + line + 1, corners[1] + line + 1];
        overlay.write(&label, at, line, color);
    }
    let shape = [height as i64, width as i64, 3];
    let image = Tensor::f_from_slice(&picture.colors)?.f_view(shape)?;
    let drawn = overlay.over(&image.f_permute([2, 0, 1])?)?;
    let drawn = drawn.f_permute([1, 2, 0])?.f_contiguous()?;
    let mut colors = vec![0u8; picture.colors.len()];
    let count = colors.len();
    drawn
        .f_to_kind(Kind::Uint8)?
        .f_copy_data(&mut colors, count)?;
    phasebox_data::png(picture.size, &colors)
}

/// A bright color, far from those of the classes beside it.
fn color(class: i64) -> Color {
    // The golden angle: no two of the first hundred are alike.
    let hue = (class as f64 * 137.508) % 360.0 / 60.0;
    let channel = |shift: f64| {
        let distance = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
        (55.0 + 200.0 * distance.clamp(0.0, 1.0)) as u32
    };
    channel(0.0) << 16 | channel(4.0) << 8 | channel(2.0)
}
