//! Attacks with names and texts: on files, logs, terminals and whoever reads them.

use phasebox_sdk::prelude::*;

use crate::{Held, all_refused, attacks};

attacks! {
    Start: gives_bad_names gives_bad_file_names gives_bad_storage_names gives_bad_tags names_without_end
        texts_without_end tags_without_end files_without_end logs_a_novel logs_a_forged_line logs_forged_json
        logs_under_a_common_name logs_histograms_of_nothing hides_what_it_is;
}

/// That print as something else, or not at all.
const STRANGE: [&str; 8] = [
    "",
    "  ",
    "a\nb",
    "a\u{0}b",
    "\u{1b}[2J",
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{2028}b",
];

fn gives_bad_names(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let long = "a".repeat(257);
    let names = STRANGE
        .into_iter()
        .filter(|name| !name.trim().is_empty())
        .chain([long.as_str()]);
    all_refused(
        &[ErrorCode::InvalidArgument],
        names
            .map(|name| (name, ctx.log_scalar(name, 1.0)))
            .collect(),
    )
}

fn gives_bad_file_names(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let (logger, long) = (ctx.sg_logger()?, "a".repeat(300));
    let picture = tensor::zeros(&[2, 2], Dtype::Float32, "")?;
    let paths = [
        "..", ".", "/", "/tmp/x", "../x", "a/b", "..\\x", "a\u{0}", ".profile", "x.", "x ", "c:x",
        "a*", &long,
    ];
    let names = || STRANGE.into_iter().chain(paths);
    all_refused(
        &[ErrorCode::InvalidArgument],
        names()
            .map(|name| (name, logger.artifact(name, b"x")))
            .collect(),
    )?;
    all_refused(
        &[ErrorCode::InvalidArgument],
        names()
            .map(|name| (name, logger.image_file(name, &picture)))
            .collect(),
    )
}

fn gives_bad_storage_names(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let (one, long) = (tensor::zeros(&[1], Dtype::Float32, "")?, "a".repeat(300));
    let names = ["", "a\nb", "a\u{0}b", "group//member", "//", "a/", &long];
    let store = |name| (name, storage::store_tensor(name, &one));
    all_refused(
        &[ErrorCode::InvalidArgument],
        names.into_iter().map(store).collect(),
    )
}

fn gives_bad_tags(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let long = "a".repeat(65);
    let tags = STRANGE.into_iter().chain([
        "latest", "best", "error", "epoch_0", "../x", "a/b", "a.b", &long,
    ]);
    all_refused(
        &[ErrorCode::InvalidArgument],
        tags.map(|tag| (tag, ctx.request_checkpoint(tag))).collect(),
    )
}

fn names_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    (0..).try_for_each(|index| ctx.log_scalar(&index.to_string(), 1.0))
}

/// Each character takes six bytes where it is written.
fn texts_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let text = "\u{1}".repeat(4000);
    let logger = ctx.sg_logger()?;
    loop {
        logger.text("text", &text)?;
    }
}

fn tags_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    (0..).try_for_each(|index| ctx.request_checkpoint(&index.to_string()))
}

fn files_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    (0..).try_for_each(|index| ctx.sg_logger()?.artifact(&index.to_string(), b"x"))
}

fn logs_a_novel(_: &mut Held, _: &PhaseContext) -> Result<()> {
    info!("novel {}", "x".repeat(8 << 20));
    Ok(())
}

fn logs_a_forged_line(_: &mut Held, _: &PhaseContext) -> Result<()> {
    info!("a\nerror: forged\r\u{1b}[2J\u{202e}");
    Ok(())
}

fn logs_forged_json(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    ctx.sg_logger()?.text(
        "text",
        "\"}\n{\"name\":\"forged\",\"step\":0,\"value\":1}\n",
    )?;
    ctx.log_scalar("\"},{\"name\":\"forged\"", f64::NAN)
}

/// As another callback does.
fn logs_under_a_common_name(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    ctx.log_scalar("common", 1.0)?;
    ctx.log_scalar("../hides_what_it_is/common", 2.0)
}

fn logs_histograms_of_nothing(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let logger = ctx.sg_logger()?;
    let full = |value| tensor::full(&[3], value, Dtype::Float32, "");
    let log = |values: &Tensor, bins| logger.histogram("h", values, bins);
    all_refused(
        &[ErrorCode::InvalidArgument, ErrorCode::TooLarge],
        vec![
            ("no bins", log(&full(0.0)?, 0)),
            ("2^32 - 1 bins", log(&full(0.0)?, u32::MAX)),
            (
                "of nothing",
                log(&tensor::zeros(&[0], Dtype::Float32, "")?, 3),
            ),
        ],
    )
}

fn hides_what_it_is(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    ctx.log_scalar("common", 3.0)
}
