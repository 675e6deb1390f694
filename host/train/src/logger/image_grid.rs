//! Tensors as PNG: one image or a batch as a grid. Owns no files; `Logger` names and writes them.

use anyhow::{Context, Result, bail, ensure};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use tch::{Device, Kind, Tensor};

/// Most images in a grid.
const MAX_IMAGES: i64 = 256;
/// Most pixels of one grid, gaps included.
const MAX_PIXELS: i64 = 1 << 24;
/// Black pixels between two images of a grid.
const GAP: i64 = 2;

/// An encoded image or grid of images.
pub(super) struct ImageGrid {
    pub(super) png: Vec<u8>,
    /// Height and width in pixels.
    pub(super) size: [u32; 2],
}

impl ImageGrid {
    /// Encodes `[H, W]` (gray), `[C, H, W]`, or `[N, C, H, W]` as a nearly square grid in reading order; C is 1
    /// (gray), 3 (RGB) or 4 (RGBA). Floating-point values mean 0 to 1 and are clamped, NaN is black; `uint8`
    /// is taken as it is. Copies to the CPU, which waits for the device.
    pub(super) fn of(tensor: &Tensor) -> Result<Self> {
        let batch = checked_batch(tensor)?;
        let grid = grid(&pixels(&batch.f_to_device(Device::Cpu)?)?)?;
        let (height, width, channels) = grid.size3()?;
        let color = match channels {
            1 => ExtendedColorType::L8,
            3 => ExtendedColorType::Rgb8,
            _ => ExtendedColorType::Rgba8,
        };
        let mut bytes = vec![0; grid.numel()];
        grid.f_copy_data_u8(&mut bytes, grid.numel())?;
        let size = [u32::try_from(height)?, u32::try_from(width)?];
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&bytes, size[1], size[0], color)
            .context("cannot encode the PNG")?;
        Ok(ImageGrid { png, size })
    }
}

/// `tensor` as `[N, C, H, W]`, of a size that is safe to work on.
fn checked_batch(tensor: &Tensor) -> Result<Tensor> {
    let shape = tensor.size();
    let batch = match shape.len() {
        2 => tensor.f_detach()?.f_unsqueeze(0)?.f_unsqueeze(0)?,
        3 => tensor.f_detach()?.f_unsqueeze(0)?,
        4 => tensor.f_detach()?,
        _ => bail!("an image has shape [H, W], [C, H, W] or [N, C, H, W], not {shape:?}"),
    };
    let (images, channels, height, width) = batch.size4()?;
    ensure!(
        [1, 3, 4].contains(&channels),
        "an image of shape {shape:?} has {channels} channels, not 1, 3 or 4"
    );
    ensure!(
        height > 0 && width > 0,
        "an image of shape {shape:?} has no pixels"
    );
    ensure!(
        (1..=MAX_IMAGES).contains(&images),
        "{images} images do not make a picture: log 1 to {MAX_IMAGES}"
    );
    let [rows, columns] = rows_and_columns(images);
    let pixels = (height + GAP)
        .saturating_mul(rows)
        .saturating_mul((width + GAP).saturating_mul(columns));
    ensure!(
        pixels <= MAX_PIXELS,
        "an image of shape {shape:?} has more than {MAX_PIXELS} pixels: log a smaller one"
    );
    Ok(batch)
}

/// Values as bytes.
fn pixels(batch: &Tensor) -> Result<Tensor> {
    match batch.f_kind()? {
        Kind::Uint8 => Ok(batch.shallow_clone()),
        Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16 => {
            let unit = batch
                .f_to_kind(Kind::Float)?
                .f_nan_to_num(0.0, 1.0, 0.0)?
                .f_clamp(0.0, 1.0)?;
            Ok(unit
                .f_mul_scalar(255.0)?
                .f_round()?
                .f_to_kind(Kind::Uint8)?)
        }
        kind => {
            bail!(
                "an image has floating-point elements from 0 to 1 or uint8, not {kind:?}: convert it first"
            )
        }
    }
}

fn rows_and_columns(images: i64) -> [i64; 2] {
    let columns = (images as f64).sqrt().ceil() as i64;
    [(images + columns - 1) / columns, columns]
}

/// `[N, C, H, W]` to one contiguous `[rows, columns, C]` picture.
fn grid(batch: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = batch.size4()?;
    let [rows, columns] = rows_and_columns(images);
    let (cell_height, cell_width) = (height + GAP, width + GAP);
    let size = [
        rows * cell_height - GAP,
        columns * cell_width - GAP,
        channels,
    ];
    let picture = Tensor::f_zeros(size, (Kind::Uint8, Device::Cpu))?;
    for index in 0..images {
        let (top, left) = (index / columns * cell_height, index % columns * cell_width);
        let mut cell = picture.f_narrow(0, top, height)?.f_narrow(1, left, width)?;
        cell.f_copy_(&batch.f_select(0, index)?.f_permute([1, 2, 0])?)?;
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The image that a PNG reader sees: size, channels, bytes.
    fn decoded(tensor: &Tensor) -> Result<([u32; 2], u8, Vec<u8>)> {
        let picture = ImageGrid::of(tensor)?;
        let read = image::load_from_memory(&picture.png)?;
        assert_eq!(picture.size, [read.height(), read.width()]);
        Ok((
            picture.size,
            read.color().channel_count(),
            read.into_bytes(),
        ))
    }

    #[test]
    fn values_become_pixels() -> Result<()> {
        let check = |values: &[f64], kind: Kind, pixels: &[u8]| -> Result<()> {
            let image = Tensor::f_from_slice(values)?.f_to_kind(kind)?.f_view([
                1,
                1,
                values.len() as i64,
            ])?;
            assert_eq!(
                decoded(&image)?,
                ([1, values.len() as u32], 1, pixels.to_vec())
            );
            Ok(())
        };
        check(
            &[0.0, 0.5, 1.0, -3.0, 7.0],
            Kind::Float,
            &[0, 128, 255, 0, 255],
        )?;
        check(
            &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
            Kind::Half,
            &[0, 255, 0],
        )?;
        check(&[0.0, 1.0, 255.0], Kind::Uint8, &[0, 1, 255])
    }

    #[test]
    fn a_batch_becomes_a_grid() -> Result<()> {
        let gray = Tensor::f_arange(6, (Kind::Uint8, Device::Cpu))?.f_view([2, 3])?;
        assert_eq!(decoded(&gray)?, ([2, 3], 1, (0..6).collect()));
        // Three 1×2 RGB images: two above, one below, two black pixels between.
        let batch = Tensor::f_arange(18, (Kind::Uint8, Device::Cpu))?.f_view([3, 3, 1, 2])?;
        let (size, channels, bytes) = decoded(&batch)?;
        assert_eq!((size, channels), ([4, 6], 3));
        let gap = [0; 6];
        let top = [&[0, 2, 4, 1, 3, 5][..], &gap, &[6, 8, 10, 7, 9, 11]].concat();
        let bottom = [&[12, 14, 16, 13, 15, 17][..], &gap, &gap].concat();
        assert_eq!(bytes, [top, vec![0; 36], bottom].concat());
        Ok(())
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let check = |shape: &[i64], kind: Kind, words: &str| {
            let error = ImageGrid::of(&Tensor::zeros(shape, (kind, Device::Cpu)))
                .err()
                .map(|error| error.to_string());
            assert!(
                error.as_ref().is_some_and(|error| error.contains(words)),
                "{shape:?} {error:?}"
            );
        };
        check(&[8], Kind::Float, "not [8]");
        check(&[2, 8, 8], Kind::Float, "2 channels");
        check(&[0, 3, 8, 8], Kind::Float, "0 images");
        check(&[3, 0, 8], Kind::Float, "no pixels");
        check(&[257, 1, 1, 1], Kind::Float, "257 images");
        check(&[1, 5000, 5000], Kind::Uint8, "more than 16777216 pixels");
        check(&[1, 8, 8], Kind::Int64, "not Int64");
    }
}
