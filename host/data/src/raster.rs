//! `Raster`: the pixels of an image or a mask, and what moves them: crop, paste, flip, resize, warp. Knows no target, no
//! recipe and no chance.

use anyhow::{Result, bail, ensure};
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma, Pixel, Rgb};

use super::linear_bytes;

/// The longest side of an image, in pixels, that a transform may ask for.
pub(crate) const SIDE_LIMIT: usize = 8192;

/// Values `[channels, height, width]`: row by row, a pixel's channels together.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster<T> {
    pub(crate) shape: [usize; 3],
    pub(crate) values: Vec<T>,
}

/// A kind of value that pixels are made of.
pub trait PixelValue: Copy + 'static {
    /// The value as a number.
    fn float(self) -> f32;
    /// The nearest value there is.
    fn nearest(value: f32) -> Self;
    /// Resizes with one of the filters that look at every pixel.
    ///
    /// # Errors
    /// Values or channels that cannot be resized so.
    fn filtered(from: &Raster<Self>, size: [usize; 2], filter: FilterType) -> Result<Raster<Self>>
    where
        Self: Sized;
    /// A part of the raster in `size`, `to` from `at` on, resized linearly in a faster way, if there is one.
    fn resized(
        _: &Raster<Self>,
        _size: [usize; 2],
        _at: [usize; 2],
        _to: [usize; 2],
    ) -> Option<Raster<Self>>
    where
        Self: Sized,
    {
        None
    }
    /// Draws onto a filled raster linearly, by the map back, in a faster way. Answers false if there is none.
    fn warp(_: &Raster<Self>, _: &[f64; 6], _: &[Self], _: &mut Raster<Self>) -> bool
    where
        Self: Sized,
    {
        false
    }
}

/// Pixels that an image is resized with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The pixel at the place.
    Nearest,
    /// The four pixels around the place, as OpenCV's linear.
    Linear,
    /// Every pixel that the new one covers, as Pillow's bilinear and torchvision's antialiased one.
    Antialiased,
    /// As `Antialiased`, with a cubic curve.
    Bicubic,
}

/// An affine map of places: `x' = m0·x + m1·y + m2`, `y' = m3·x + m4·y + m5`. Pixel `i` reaches from `i` to `i + 1`.
pub(crate) type Matrix = [f64; 6];

/// The place that `matrix` maps a place to.
pub(crate) fn mapped(matrix: &Matrix, [x, y]: [f64; 2]) -> [f64; 2] {
    let [a, b, c, d, e, f] = *matrix;
    [a * x + b * y + c, d * x + e * y + f]
}

/// The map back.
///
/// # Errors
/// When the map flattens the plane.
fn inverted([a, b, c, d, e, f]: Matrix) -> Result<Matrix> {
    let area = a * e - b * d;
    ensure!(
        area.abs() > 1e-12 && area.is_finite(),
        "a warp that leaves no area"
    );
    let [ia, ib, id, ie] = [e / area, -b / area, -d / area, a / area];
    Ok([ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)])
}

/// Refuses a size before memory is taken for it.
pub(crate) fn check_size(size: [usize; 2]) -> Result<()> {
    let fits = size.iter().all(|side| (1..=SIDE_LIMIT).contains(side));
    ensure!(
        fits,
        "an image of {size:?} pixels; each side must be in 1..={SIDE_LIMIT}"
    );
    Ok(())
}

impl<T> Raster<T> {
    /// The values, row by row, a pixel's channels together.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// `[height, width]`.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.shape[1], self.shape[2]]
    }

    fn row_length(&self) -> usize {
        self.shape[0] * self.shape[2]
    }
}

impl<T: PixelValue> Raster<T> {
    /// A raster of one color; the first number of `fill` stands for channels that have none.
    ///
    /// # Errors
    /// A side that is 0 or too long.
    pub(crate) fn filled(channels: usize, size: [usize; 2], fill: &[f32]) -> Result<Self> {
        check_size(size)?;
        let of_channel = |channel| *fill.get(channel).or(fill.first()).unwrap_or(&0.0);
        let pixel: Vec<T> = (0..channels).map(of_channel).map(T::nearest).collect();
        Ok(Self {
            shape: [channels, size[0], size[1]],
            values: pixel.repeat(size[0] * size[1]),
        })
    }

    /// Puts `other` with its corner at `[top, left]`; what sticks out is cut.
    pub(crate) fn paste(&mut self, other: &Self, [top, left]: [isize; 2]) {
        let channels = self.shape[0];
        let (row_length, other_length) = (self.row_length(), other.row_length());
        let visible = |at: isize, length: usize, room: usize| {
            let first = (-at).clamp(0, length as isize);
            let end = (room as isize - at).clamp(first, length as isize);
            (first as usize, end as usize)
        };
        let (first_row, end_row) = visible(top, other.shape[1], self.shape[1]);
        let (first, end) = visible(left, other.shape[2], self.shape[2]);
        if first == end {
            return;
        }
        for row in first_row..end_row {
            let from = row * other_length + first * channels;
            let length = (end - first) * channels;
            let to_row = (row as isize + top) as usize;
            let to = to_row * row_length + (first as isize + left) as usize * channels;
            let source = &other.values[from..from + length];
            self.values[to..to + length].copy_from_slice(source);
        }
    }

    /// The part of `size` at `[top, left]`; `fill` where there is no pixel.
    pub(crate) fn cropped(
        &self,
        [top, left]: [isize; 2],
        size: [usize; 2],
        fill: &[f32],
    ) -> Result<Self> {
        let mut part = Self::filled(self.shape[0], size, fill)?;
        part.paste(self, [-top, -left]);
        Ok(part)
    }

    /// Left and right exchanged.
    pub(crate) fn mirrored(mut self) -> Self {
        let (channels, length) = (self.shape[0].max(1), self.row_length().max(1));
        for row in self.values.chunks_exact_mut(length) {
            match channels {
                1 => row.reverse(),
                3 => row.as_chunks_mut::<3>().0.reverse(),
                channels => reverse_pixels(row, channels),
            }
        }
        self
    }

    /// Top and bottom exchanged.
    pub(crate) fn upside_down(self) -> Self {
        let length = self.row_length().max(1);
        let rows = self.values.chunks_exact(length).rev();
        Self {
            shape: self.shape,
            values: rows.flatten().copied().collect(),
        }
    }

    /// Turned by 90° to the left.
    pub(crate) fn turned(&self) -> Self {
        let [channels, height, width] = self.shape;
        let places = (0..width).flat_map(|y| (0..height).map(move |x| (x, width - 1 - y)));
        let values = places.flat_map(|(row, column)| {
            let at = (row * width + column) * channels;
            &self.values[at..at + channels]
        });
        Self {
            shape: [channels, width, height],
            values: values.copied().collect(),
        }
    }

    /// The raster in another size.
    pub(crate) fn resized(self, size: [usize; 2], filter: Filter) -> Result<Self> {
        check_size(size)?;
        if size == self.size() {
            return Ok(self);
        }
        let scale = |axis: usize| self.size()[axis] as f64 / size[axis] as f64;
        let back = [scale(1), 0.0, 0.0, 0.0, scale(0), 0.0];
        match filter {
            Filter::Nearest => self.nearest(&back, size, &[]),
            Filter::Linear => match T::resized(&self, size, [0, 0], size) {
                Some(resized) => Ok(resized),
                None => self.linear(&back, size, None),
            },
            Filter::Antialiased => T::filtered(&self, size, FilterType::Triangle),
            Filter::Bicubic => T::filtered(&self, size, FilterType::CatmullRom),
        }
    }

    /// The part of the linearly resized raster that has the size `to`, from the pixel `at` on, and is inside.
    pub(crate) fn resized_part(
        self,
        size: [usize; 2],
        at: [usize; 2],
        to: [usize; 2],
    ) -> Result<Self> {
        check_size(size)?;
        match T::resized(&self, size, at, to) {
            Some(part) => Ok(part),
            None => {
                let resized = self.resized(size, Filter::Linear)?;
                resized.cropped(at.map(|place| place as isize), to, &[])
            }
        }
    }

    /// The raster moved by `matrix` onto a canvas of `size`; `fill` where no pixel comes to lie.
    pub(crate) fn warped(
        &self,
        matrix: Matrix,
        size: [usize; 2],
        filter: Filter,
        fill: &[f32],
    ) -> Result<Self> {
        let back = inverted(matrix)?;
        match filter {
            Filter::Nearest => self.nearest(&back, size, fill),
            _ => self.linear(&back, size, Some(fill)),
        }
    }

    fn nearest(&self, back: &Matrix, size: [usize; 2], fill: &[f32]) -> Result<Self> {
        let mut out = Self::filled(self.shape[0], size, fill)?;
        for (at, pixel) in pixels(&mut out) {
            let [x, y] = mapped(back, at);
            if let Some(source) = self.pixel(x.floor() as isize, y.floor() as isize) {
                pixel.copy_from_slice(source);
            }
        }
        Ok(out)
    }

    /// Four pixels weighted by nearness. Beyond the edge `fill` continues the image, or the edge itself without it.
    fn linear(&self, back: &Matrix, size: [usize; 2], fill: Option<&[f32]>) -> Result<Self> {
        let mut out = Self::filled(self.shape[0], size, fill.unwrap_or_default())?;
        let border: Vec<T> = Self::filled(self.shape[0], [1, 1], fill.unwrap_or_default())?.values;
        let border = fill.map(|_| border.as_slice());
        if let Some(border) = border
            && T::warp(self, back, border, &mut out)
        {
            return Ok(out);
        }
        for (at, pixel) in pixels(&mut out) {
            let [x, y] = mapped(back, at).map(|place| place - 0.5);
            let (left, top) = (x.floor(), y.floor());
            let shares = [(x - left) as f32, (y - top) as f32];
            let [left, top] = [left, top].map(|place| place as isize);
            if border.is_some() && !self.touches(left, top) {
                continue;
            }
            let around = self.around(left, top, border);
            blend(pixel, around, shares);
        }
        Ok(out)
    }

    /// The four pixels from a place on: itself, at its right, below, and below at the right.
    fn around<'a>(&'a self, left: isize, top: isize, border: Option<&'a [T]>) -> [&'a [T]; 4] {
        let [channels, height, width] = self.shape;
        let (Ok(x), Ok(y)) = (usize::try_from(left), usize::try_from(top)) else {
            return self.around_edge(left, top, border);
        };
        if x >= width.saturating_sub(1) || y >= height.saturating_sub(1) {
            return self.around_edge(left, top, border);
        }
        let at = (y * width + x) * channels;
        let upper = &self.values[at..at + 2 * channels];
        let lower = &self.values[at + width * channels..][..2 * channels];
        let ((a, b), (c, d)) = (upper.split_at(channels), lower.split_at(channels));
        [a, b, c, d]
    }

    fn around_edge<'a>(&'a self, left: isize, top: isize, border: Option<&'a [T]>) -> [&'a [T]; 4] {
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
        corners.map(|(right, down)| {
            self.pixel_or(left.saturating_add(right), top.saturating_add(down), border)
        })
    }

    /// One of the four pixels at a place is inside.
    fn touches(&self, left: isize, top: isize) -> bool {
        let [height, width] = self.size().map(|side| side as isize);
        (-1..width).contains(&left) && (-1..height).contains(&top)
    }

    /// The pixel's channels, or nothing outside.
    fn pixel(&self, x: isize, y: isize) -> Option<&[T]> {
        let [channels, height, width] = self.shape;
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x >= width || y >= height {
            return None;
        }
        let at = (y * width + x) * channels;
        self.values.get(at..at + channels)
    }

    fn pixel_or<'a>(&'a self, x: isize, y: isize, border: Option<&'a [T]>) -> &'a [T] {
        let [height, width] = self.size().map(|side| side as isize);
        let edge = || self.pixel(x.clamp(0, width - 1), y.clamp(0, height - 1));
        let inside = self.pixel(x, y);
        inside.or(border).or_else(edge).unwrap_or_default()
    }
}

fn reverse_pixels<T>(row: &mut [T], channels: usize) {
    row.reverse();
    for pixel in row.chunks_exact_mut(channels) {
        pixel.reverse();
    }
}

/// The middle of each pixel, and its channels.
fn pixels<T>(raster: &mut Raster<T>) -> impl Iterator<Item = ([f64; 2], &mut [T])> {
    let [channels, _, width] = raster.shape;
    let pixels = raster.values.chunks_exact_mut(channels.max(1));
    pixels.enumerate().map(move |(index, pixel)| {
        let (x, y) = (index % width, index / width);
        ([x as f64 + 0.5, y as f64 + 0.5], pixel)
    })
}

/// Four pixels (top left, top right, bottom left, bottom right) by the shares of the right and the lower ones.
fn blend<T: PixelValue>(out: &mut [T], around: [&[T]; 4], [right, low]: [f32; 2]) {
    for (channel, out) in out.iter_mut().enumerate() {
        let [a, b, c, d] = around.map(|pixel| pixel[channel].float());
        let upper = a + (b - a) * right;
        let lower = c + (d - c) * right;
        *out = T::nearest(upper + (lower - upper) * low);
    }
}

impl PixelValue for u8 {
    fn float(self) -> f32 {
        f32::from(self)
    }

    fn nearest(value: f32) -> Self {
        value.round() as u8
    }

    fn filtered(from: &Raster<u8>, size: [usize; 2], filter: FilterType) -> Result<Raster<u8>> {
        let [channels, height, width] = from.shape;
        let values = resize_bytes(channels, &from.values, [height, width], size, filter)?;
        Ok(Raster {
            shape: [channels, size[0], size[1]],
            values,
        })
    }

    fn resized(
        from: &Raster<u8>,
        size: [usize; 2],
        at: [usize; 2],
        to: [usize; 2],
    ) -> Option<Raster<u8>> {
        linear_bytes::resized(from, linear_bytes::Part { size, at, to })
    }

    fn warp(from: &Raster<u8>, back: &Matrix, fill: &[u8], out: &mut Raster<u8>) -> bool {
        linear_bytes::warp(from, back, fill, out)
    }
}

impl PixelValue for f32 {
    fn float(self) -> f32 {
        self
    }

    fn nearest(value: f32) -> Self {
        value
    }

    fn filtered(_: &Raster<f32>, _: [usize; 2], _: FilterType) -> Result<Raster<f32>> {
        bail!(
            "antialiased resizing needs pixels of bytes\n\
             hint: resize before the transform that makes float32 of them"
        )
    }
}

/// Resizes 8-bit images of 1 or 3 channels. With `Triangle` the result is what torchvision and Pillow call antialiased
/// bilinear.
pub(crate) fn resize_bytes(
    channels: usize,
    bytes: &[u8],
    from: [usize; 2],
    to: [usize; 2],
    filter: FilterType,
) -> Result<Vec<u8>> {
    match channels {
        1 => resize_pixels::<Luma<u8>>(bytes, from, to, filter),
        3 => resize_pixels::<Rgb<u8>>(bytes, from, to, filter),
        _ => bail!("images of {channels} channels cannot be resized, only those of 1 or 3"),
    }
}

/// All channels at once: the `image` crate takes as long for one as for three.
fn resize_pixels<P: Pixel<Subpixel = u8> + 'static>(
    bytes: &[u8],
    from: [usize; 2],
    to: [usize; 2],
    filter: FilterType,
) -> Result<Vec<u8>> {
    let [[height, width], [new_height, new_width]] =
        [from, to].map(|size| size.map(|length| length as u32));
    let Some(image) = ImageBuffer::<P, &[u8]>::from_raw(width, height, bytes) else {
        bail!("an image lacks pixels");
    };
    Ok(imageops::resize(&image, new_width, new_height, filter).into_raw())
}
