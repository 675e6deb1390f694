//! The contract's `vision`: boxes, and drawing on images. Owns what is refused; `boxes` and `drawing` do
//! the work.

use phasebox_contract::limits::Limit;
use phasebox_nn::detection::boxes::{box_iou, convert};
use tch::{Kind, Tensor};

use super::argument_checks::{check_mask, check_text};
use super::boxes::{
    check_boxes, check_pairs, check_suppression, count_boxes, format_of, read_boxes,
    read_candidates,
};
use super::size_checks::check_same_size;
use super::tensor_steps::Handle;
use crate::bindings::types::ErrorCode;
use crate::bindings::vision::Host;
use crate::drawing::{Color, Overlay, blend};
use crate::error::{HostResult, refuse};
use crate::state::PluginState;
use crate::torch_call::torch_call;

/// The most pixels of one side of an image, and of all of it.
const MAX_SIDE: i64 = 8192;
const MAX_PIXELS: i64 = 1 << 24;
/// The most that one call draws.
const MAX_DRAWN_BOXES: i64 = 1024;
const MAX_MASKS: i64 = 256;
/// The most pixels of all masks of a call: a few seconds of one core.
const MAX_MASK_PIXELS: i64 = 1 << 30;
const MAX_LINE: u32 = 32;
const MAX_SCALE: u32 = 8;
/// The longest texts in bytes.
const MAX_LABEL_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 4096;
/// Far outside any image. Further away looks the same.
const FAR: f32 = 65_536.0;

impl Host for PluginState {
    fn box_convert(
        &mut self,
        boxes: Handle,
        in_format: String,
        out_format: String,
    ) -> HostResult<Handle> {
        let (to_corners, _) = format_of(&in_format)?;
        let (_, from_corners) = format_of(&out_format)?;
        check_boxes(self.tensor(&boxes)?)?;
        self.map(&boxes, |x| convert(x, to_corners, from_corners))
    }

    fn box_iou(&mut self, a: Handle, b: Handle) -> HostResult<Handle> {
        self.launch(1)?;
        let pairs = check_pairs(self.tensor(&a)?, self.tensor(&b)?)?;
        self.check_room(pairs)?;
        let (a, b) = (self.tensor(&a)?, self.tensor(&b)?);
        let overlaps = torch_call(|| box_iou(a, b))?;
        self.make(overlaps)
    }

    fn nms(
        &mut self,
        boxes: Handle,
        scores: Handle,
        classes: Option<Handle>,
        iou_threshold: f64,
    ) -> HostResult<Handle> {
        if iou_threshold.is_nan() {
            return refuse(ErrorCode::InvalidArgument, "iou-threshold is not a number");
        }
        let boxes = self.tensor(&boxes)?.shallow_clone();
        let scores = self.tensor(&scores)?.shallow_clone();
        let classes = match classes {
            Some(classes) => Some(self.tensor(&classes)?.shallow_clone()),
            None => None,
        };
        check_suppression(&boxes, &scores, classes.as_ref())?;
        self.check_room(1)?;
        self.launch(1)?;
        self.count_sync()?;
        let candidates = read_candidates(&boxes, &scores, classes.as_ref())?;
        let remaining = candidates.remaining(iou_threshold, usize::MAX).into_iter();
        let remaining: Vec<i64> = remaining.map(|place| place as i64).collect();
        let remaining = Tensor::f_from_slice(&remaining)?.f_to_device(boxes.device())?;
        self.make(remaining)
    }

    fn draw_boxes(
        &mut self,
        image: Handle,
        boxes: Handle,
        colors: Vec<u32>,
        width: u32,
        labels: Vec<String>,
        label_scale: u32,
    ) -> HostResult<Handle> {
        let boxes = self.tensor(&boxes)?.shallow_clone();
        let count = count_boxes(&boxes)?;
        check_most("boxes", count, MAX_DRAWN_BOXES)?;
        let colors = one_each(&colors, count)?;
        check_amount("width", width, MAX_LINE)?;
        check_labels(&labels, count, label_scale)?;
        let mut overlay = self.overlay(&image)?;
        self.count_sync()?;
        let line = i64::from(width);
        for (place, corners) in read_boxes(&boxes)?.into_iter().enumerate() {
            let corners = checked_corners(place, corners)?;
            overlay.outline(corners, line, colors[place]);
            if let Some(label) = labels.get(place) {
                let at = [corners[0] + line + 1, corners[1] + line + 1];
                overlay.write(label, at, i64::from(label_scale), colors[place]);
            }
        }
        self.map(&image, |image| overlay.over(image))
    }

    fn draw_masks(
        &mut self,
        image: Handle,
        masks: Handle,
        colors: Vec<u32>,
        alpha: f64,
    ) -> HostResult<Handle> {
        let [_, height, width] = check_image(self.tensor(&image)?)?;
        let masks = self.tensor(&masks)?.shallow_clone();
        check_mask(&masks)?;
        check_same_size(&masks)?;
        let count = count_masks(&masks, height, width)?;
        check_most("masks", count, MAX_MASKS)?;
        check_most("masks", count, MAX_MASK_PIXELS / (height * width))?;
        let colors = one_each(&colors, count)?;
        if !(0.0..=1.0).contains(&alpha) {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("alpha is between 0 and 1, not {alpha}"),
            );
        }
        // One more is launched below.
        self.launch((count as u64).saturating_sub(1))?;
        self.map(&image, |image| blend(image, &masks, &colors, alpha))
    }

    fn draw_text(
        &mut self,
        image: Handle,
        text: String,
        x: i32,
        y: i32,
        color: u32,
        scale: u32,
    ) -> HostResult<Handle> {
        check_text("text", &text, MAX_TEXT_BYTES)?;
        check_amount("scale", scale, MAX_SCALE)?;
        check_color(color)?;
        let mut overlay = self.overlay(&image)?;
        overlay.write(&text, [x, y].map(i64::from), i64::from(scale), color);
        self.map(&image, |image| overlay.over(image))
    }
}

impl PluginState {
    /// Nothing drawn yet, for an image that can be drawn on; charged before it is made. To lay it over is a launch.
    fn overlay(&mut self, image: &Handle) -> HostResult<Overlay> {
        self.check_left(Limit::Launches, 1)?;
        let shape = check_image(self.tensor(image)?)?.map(|length| length as usize);
        self.charge(Limit::CallTensors, Overlay::bytes(shape))?;
        Ok(Overlay::new(shape))
    }
}

/// The shape of an image that can be drawn on: [C, H, W].
fn check_image(image: &Tensor) -> HostResult<[i64; 3]> {
    let shape = image.size();
    let [channels @ (1 | 3), height @ (1..), width @ (1..)] = shape[..] else {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("an image is [3, H, W] or [1, H, W] and has pixels, not {shape:?}"),
        );
    };
    let kind = image.kind();
    if kind != Kind::Uint8 && !image.is_floating_point() {
        return refuse(
            ErrorCode::DtypeMismatch,
            format!("an image is uint8 or floating point, not {kind:?}"),
        );
    }
    if height > MAX_SIDE || width > MAX_SIDE || height * width > MAX_PIXELS {
        return refuse(
            ErrorCode::TooLarge,
            format!(
                "an image has {MAX_SIDE} pixels a side and {MAX_PIXELS} in all at most, not {height} × {width}"
            ),
        );
    }
    Ok([channels, height, width])
}

/// The number of masks [N, H, W] of an image.
fn count_masks(masks: &Tensor, height: i64, width: i64) -> HostResult<i64> {
    match masks.size()[..] {
        [count, rows, columns] if rows == height && columns == width => Ok(count),
        ref shape => refuse(
            ErrorCode::ShapeMismatch,
            format!("masks are [N, {height}, {width}] as the image, not {shape:?}"),
        ),
    }
}

fn check_most(what: &str, count: i64, most: i64) -> HostResult<()> {
    if count <= most {
        return Ok(());
    }
    refuse(
        ErrorCode::TooLarge,
        format!("one call draws {most} {what} at most, not {count}"),
    )
}

fn check_amount(what: &str, amount: u32, most: u32) -> HostResult<()> {
    if (1..=most).contains(&amount) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("{what} is 1 to {most}, not {amount}"),
    )
}

fn check_color(color: Color) -> HostResult<()> {
    if color <= 0xff_ff_ff {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("a color is 0xRRGGBB, not {color:#x}"),
    )
}

/// A color for each of `count` things: those given, or the only one for all.
fn one_each(colors: &[Color], count: i64) -> HostResult<Vec<Color>> {
    colors.iter().try_for_each(|color| check_color(*color))?;
    match colors {
        [color] => Ok(vec![*color; count as usize]),
        _ if colors.len() as i64 == count => Ok(colors.to_vec()),
        _ => refuse(
            ErrorCode::InvalidArgument,
            format!(
                "{} colors do not go with {count}: give one, or one for each",
                colors.len()
            ),
        ),
    }
}

fn check_labels(labels: &[String], count: i64, scale: u32) -> HostResult<()> {
    if !labels.is_empty() && labels.len() as i64 != count {
        return refuse(
            ErrorCode::InvalidArgument,
            format!(
                "{} labels do not go with {count} boxes: give none, or one for each",
                labels.len()
            ),
        );
    }
    check_amount("label-scale", scale, MAX_SCALE)?;
    labels
        .iter()
        .try_for_each(|label| check_text("a label", label, MAX_LABEL_BYTES))
}

/// The pixels at the corners of box number `place`.
fn checked_corners(place: usize, corners: [f32; 4]) -> HostResult<[i64; 4]> {
    let [x1, y1, x2, y2] = corners;
    if corners.iter().all(|number| number.is_finite()) && x1 <= x2 && y1 <= y2 {
        return Ok(corners.map(|number| f32::clamp(number, -FAR, FAR) as i64));
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!(
            "box {place} is {corners:?}: it must be finite, left before right and top before bottom"
        ),
    )
}
