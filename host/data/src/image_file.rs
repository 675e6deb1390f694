//! One image file: its size, and its pixels as bytes. Owns what is refused, and how other kinds of pixels become 8-bit gray
//! or color. Knows no folder and no class.
//!
//! The first picture of an animation is read. Transparency is left out and 16 bits become 8, as torchvision does. A
//! camera's note about its orientation is followed or not, as the data want it.

use std::fmt::Display;
use std::io::{BufReader, Cursor};
use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};
use phasebox_files::regular_file;

use super::data_file::with_hint;

/// The most bytes of a file: as many as the `image` crate lets the pixels of an image take.
const MOST_BYTES: u64 = 512 << 20;

/// The most pixels: to decode so many, and to scale them, takes seconds and half a gigabyte.
const MOST_PIXELS: u64 = 1 << 27;

/// Use of the orientation that a camera noted in the file (EXIF).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// The pixels are taken as they lie in the file, as torchvision does.
    Ignored,
    /// The picture is turned and mirrored as the note says, as OpenCV's `imread` does.
    Followed,
}

/// Width and height in pixels, from the header alone.
///
/// # Errors
/// A file that is no image, or one whose pixels take too many bytes.
pub(super) fn dimensions(path: &Path, noted: Noted) -> Result<[usize; 2]> {
    let (file, _) = regular_file::open(path).map_err(|error| unreadable(path, error))?;
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let mut reader = reader.map_err(|error| unreadable(path, error))?;
    reader.limits(limits(reader.format()));
    let decoder = reader.into_decoder();
    let mut decoder = decoder.map_err(|error| unreadable(path, error))?;
    let ((width, height), bytes) = (decoder.dimensions(), decoder.total_bytes());
    check_sides(width, height).map_err(|error| unreadable(path, error))?;
    if bytes > MOST_BYTES {
        let fault = format!(
            "its {width}x{height} pixels take {bytes} bytes, and at most {MOST_BYTES} are read"
        );
        return Err(unreadable(path, fault));
    }
    let sides = [width, height].map(|side| side as usize);
    Ok(match lies_on_its_side(orientation(&mut decoder, noted)) {
        true => [sides[1], sides[0]],
        false => sides,
    })
}

/// The change that makes the picture stand upright; none for a note that cannot be read.
fn orientation(decoder: &mut impl ImageDecoder, noted: Noted) -> Orientation {
    let read = match noted {
        Noted::Ignored => Ok(Orientation::NoTransforms),
        Noted::Followed => decoder.orientation(),
    };
    read.unwrap_or(Orientation::NoTransforms)
}

/// Tells the changes that exchange width and height.
fn lies_on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The pixels, decoded whole: `[channels, height, width]` and bytes row by row, a pixel's channels together. The format
/// is taken from the content, not from the name; the `image` crate's limit of 512 MiB an image applies.
///
/// # Errors
/// A file that is no image, damaged, or cut off.
pub(super) fn decoded(path: &Path, channels: usize, noted: Noted) -> Result<([usize; 3], Vec<u8>)> {
    let bytes = regular_file::read(path, MOST_BYTES).map_err(|error| unreadable(path, error))?;
    let image = decode(&bytes, noted).map_err(|error| unreadable(path, error))?;
    let shape = [channels, image.height() as usize, image.width() as usize];
    let bytes = match channels {
        1 => gray(image),
        _ => image.into_rgb8().into_raw(),
    };
    Ok((shape, bytes))
}

fn decode(bytes: &[u8], noted: Noted) -> Result<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    // The decoder fills the rest of such a file with gray.
    if reader.format() == Some(ImageFormat::Jpeg) && !ends(bytes) {
        return Err(anyhow!("the file was cut off before the image ends"));
    }
    reader.limits(limits(reader.format()));
    // Display has the whole reason; the chain of sources would repeat it.
    let (decoder, orientation) = decoder(reader, noted).map_err(|error| anyhow!("{error}"))?;
    let (width, height) = decoder.dimensions();
    check_sides(width, height)?;
    let image = DynamicImage::from_decoder(decoder);
    let mut image = image.map_err(|error| anyhow!("{error}"))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Refuses an image without pixels, which a GIF may be, and one of too many, which a small file may ask for.
fn check_sides(width: u32, height: u32) -> Result<()> {
    ensure!(
        width > 0 && height > 0,
        "its {width}x{height} pixels are none"
    );
    ensure!(
        u64::from(width) * u64::from(height) <= MOST_PIXELS,
        "its {width}x{height} pixels are more than {MOST_PIXELS}: scale it down, or cut it into tiles"
    );
    Ok(())
}

/// The decoder as `ImageReader::decode` makes it, whose limits would be those of the pixels also for what stands before
/// them; and the change that makes the picture stand upright.
fn decoder<'a>(
    reader: ImageReader<Cursor<&'a [u8]>>,
    noted: Noted,
) -> ImageResult<(impl ImageDecoder + 'a, Orientation)> {
    let mut decoder = reader.into_decoder()?;
    let bytes = decoder.total_bytes();
    let mut limits = Limits::default();
    // A frame of a GIF may be far larger than the picture, and is made before it is cut.
    let most = bytes.saturating_mul(3).saturating_add(MOST_BESIDE_BYTES);
    limits.max_alloc = limits.max_alloc.map(|own| own.min(most));
    limits.reserve(bytes)?;
    decoder.set_limits(limits)?;
    let orientation = orientation(&mut decoder, noted);
    Ok((decoder, orientation))
}

/// The most bytes that a file may take beside its pixels and copies of them: a row of a PNG, and its color profile, which is
/// packed a thousandfold.
const MOST_BESIDE_BYTES: u64 = 16 << 20;

/// The limits of a format's decoder, without its pixels.
fn limits(format: Option<ImageFormat>) -> Limits {
    let mut limits = Limits::default();
    if format == Some(ImageFormat::Png) {
        limits.max_alloc = Some(MOST_BESIDE_BYTES);
    }
    limits
}

/// The JPEG has its end marker. Segments are walked, since a thumbnail in one has an end marker too.
fn ends(jpeg: &[u8]) -> bool {
    let mut at = 0;
    loop {
        let rest = jpeg.get(at..).unwrap_or_default();
        let Some(found) = rest.iter().position(|&byte| byte == 0xff) else {
            return false;
        };
        at += found + 1;
        match jpeg.get(at) {
            None => return false,
            Some(0xd9) => return true,
            // A stuffed byte, a fill byte, or a marker without a length.
            Some(0xff) => {}
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(_) => at += 1 + length(jpeg, at + 1),
        }
    }
}

/// The length of a segment, whose first two bytes say it.
fn length(jpeg: &[u8], at: usize) -> usize {
    match jpeg.get(at..at + 2) {
        Some(bytes) => usize::from(bytes[0]) << 8 | usize::from(bytes[1]),
        None => 0,
    }
}

/// Gray of 8 bits, from color by Pillow's weights (ITU-R 601-2).
fn gray(image: DynamicImage) -> Vec<u8> {
    if !image.color().has_color() {
        return image.into_luma8().into_raw();
    }
    let color = image.into_rgb8();
    let luma = color.pixels().map(|pixel| {
        let [red, green, blue] = pixel.0.map(u32::from);
        (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16
    });
    luma.map(|luma| luma as u8).collect()
}

fn unreadable(path: &Path, reason: impl Display) -> anyhow::Error {
    let fault = format!("{}: not an image that can be read", path.display());
    with_hint(fault, "hint: replace it, or remove it", reason)
}
