//! Pixels to lay over an image: outlines of boxes and letters, drawn on the CPU and merged with the image
//! where it is. Knows no handles, and draws nothing outside the image.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use crate::font::{HEIGHT, WIDTH, glyph};

/// The result of a call into libtorch.
type Torch<T> = Result<T, TchError>;

/// Red, green and blue, as 0xRRGGBB.
pub type Color = u32;

/// Colored pixels of an image [C, H, W]; all others are left as they are.
pub struct Overlay {
    channels: usize,
    height: usize,
    width: usize,
    /// One plane for each channel, and one that tells which pixels are covered.
    planes: Vec<u8>,
}

impl Overlay {
    /// The bytes of an overlay for an image of this shape.
    pub(crate) fn bytes([channels, height, width]: [usize; 3]) -> u64 {
        ((channels + 1) * height * width) as u64
    }

    /// An overlay that covers nothing.
    pub fn new([channels, height, width]: [usize; 3]) -> Overlay {
        Overlay {
            channels,
            height,
            width,
            planes: vec![0; (channels + 1) * height * width],
        }
    }

    /// Fills a rectangle, as far as it is inside.
    fn fill(&mut self, columns: Range<i64>, rows: Range<i64>, color: Color) {
        let columns = inside(columns, self.width);
        for row in inside(rows, self.height) {
            for channel in 0..=self.channels {
                let start = (channel * self.height + row) * self.width;
                let value = self.value(channel, color);
                let pixels = &mut self.planes[start + columns.start..start + columns.end];
                pixels.fill(value);
            }
        }
    }

    /// The value of `color` in one plane.
    fn value(&self, channel: usize, color: Color) -> u8 {
        match channel {
            _ if channel == self.channels => 1,
            _ => channel_of(color, channel, self.channels),
        }
    }

    /// Draws the outline of a box, whose line grows inward. Both corners belong to the box.
    pub fn outline(&mut self, [x1, y1, x2, y2]: [i64; 4], line: i64, color: Color) {
        let (right, bottom) = (x2 + 1, y2 + 1);
        self.fill(x1..right, y1..bottom.min(y1 + line), color);
        self.fill(x1..right, y1.max(bottom - line)..bottom, color);
        self.fill(x1..right.min(x1 + line), y1..bottom, color);
        self.fill(x1.max(right - line)..right, y1..bottom, color);
    }

    /// Writes text with the top left corner of its first letter at (x, y), in letters times `scale`.
    pub fn write(&mut self, text: &str, [x, y]: [i64; 2], scale: i64, color: Color) {
        let (mut left, mut top) = (x, y);
        for character in text.chars() {
            if character == '\n' {
                left = x;
                top += scale * (HEIGHT as i64 + 1);
                continue;
            }
            self.letter(character, [left, top], scale, color);
            left += scale * (WIDTH as i64 + 1);
        }
    }

    fn letter(&mut self, character: char, [left, top]: [i64; 2], scale: i64, color: Color) {
        for (row, pixels) in glyph(character).into_iter().enumerate() {
            let y = top + scale * row as i64;
            for column in 0..WIDTH {
                if pixels >> (WIDTH - 1 - column) & 1 == 1 {
                    let x = left + scale * column as i64;
                    self.fill(x..x + scale, y..y + scale, color);
                }
            }
        }
    }

    /// `image` with the covered pixels in their colors.
    ///
    /// # Errors
    /// An image of another shape.
    pub fn over(&self, image: &Tensor) -> Torch<Tensor> {
        let sizes = [self.channels + 1, self.height, self.width];
        let planes =
            Tensor::f_from_slice(&self.planes)?.f_reshape(sizes.map(|size| size as i64))?;
        let planes = planes.f_to_device(image.device())?;
        let channels = self.channels as i64;
        let covered = planes.f_narrow(0, channels, 1)?.f_to_kind(Kind::Bool)?;
        let colors = as_pixels(&planes.f_narrow(0, 0, channels)?, image.kind())?;
        colors.f_where_self(&covered, image)
    }
}

/// The part of a range that is below `length` and not negative; possibly nothing.
fn inside(range: Range<i64>, length: usize) -> Range<usize> {
    let most = length as i64;
    let start = range.start.max(0).min(most);
    start as usize..range.end.max(start).min(most) as usize
}

/// One channel of a color, on an image of so many: red, green and blue, or the brightness alone.
fn channel_of(color: Color, channel: usize, channels: usize) -> u8 {
    let [_, red, green, blue] = color.to_be_bytes();
    if channels == 3 {
        return [red, green, blue][channel];
    }
    // Rec. 601, as PIL converts to gray.
    let luma = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    ((luma + 500) / 1000) as u8
}

/// Bytes as pixels of a dtype: as they are, or 0 to 1.
fn as_pixels(bytes: &Tensor, kind: Kind) -> Torch<Tensor> {
    match kind {
        Kind::Uint8 => Ok(bytes.shallow_clone()),
        _ => bytes
            .f_to_kind(Kind::Float)?
            .f_div_scalar(255.0)?
            .f_to_kind(kind),
    }
}

/// An image [C, H, W] with colors laid over masks [N, H, W]; `colors` has one for each mask.
pub(crate) fn blend(image: &Tensor, masks: &Tensor, colors: &[Color], alpha: f64) -> Torch<Tensor> {
    let kind = image.kind();
    let work = match kind {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    };
    let image = image.f_to_kind(work)?;
    let colors = color_table(colors, image.size()[0] as usize, kind, image.device())?;
    let mut painted = image.shallow_clone();
    for (mask, color) in (0i64..).zip(0..colors.size()[0]) {
        let color = colors.f_select(0, color)?.f_to_kind(work)?;
        painted = color.f_where_self(&masks.f_select(0, mask)?, &painted)?;
    }
    let blended = image.f_lerp(&painted, alpha)?;
    match kind {
        Kind::Uint8 => blended.f_round()?.f_to_kind(kind),
        _ => blended.f_to_kind(kind),
    }
}

/// Colors as pixels of a dtype. [N, C, 1, 1], float.
fn color_table(colors: &[Color], channels: usize, kind: Kind, device: Device) -> Torch<Tensor> {
    let bytes: Vec<u8> = colors
        .iter()
        .flat_map(|color| (0..channels).map(|channel| channel_of(*color, channel, channels)))
        .collect();
    let shape = [colors.len() as i64, channels as i64, 1, 1];
    let table = Tensor::f_from_slice(&bytes)?.f_reshape(shape)?;
    let table = as_pixels(
        &table,
        if kind == Kind::Uint8 {
            kind
        } else {
            Kind::Float
        },
    )?;
    table.f_to_device(device)
}
