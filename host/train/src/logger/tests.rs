//! Lines and files of a log, and refusals.

use serde_json::{Value, json};
use tch::{Device, Kind};

use super::*;

/// A value of the CPU, which has arrived at once.
fn arrived(value: f64) -> Result<Deferred> {
    Ok(Deferred::new(&Tensor::from(value))?)
}

fn opened(run: &RunFolder, logged: Option<Logged>) -> Result<Logger> {
    let mut logger = Logger::new(run);
    logger.open(logged)?;
    Ok(logger)
}

/// The lines of `metrics.jsonl` without their times.
fn lines(run: &RunFolder) -> Result<Vec<Value>> {
    let text = fs::read_to_string(run.metrics())?;
    let mut lines = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>()?;
    for line in &mut lines {
        let time = line
            .as_object_mut()
            .and_then(|line| line.shift_remove("time"));
        assert!(
            time.is_some_and(|time| time.as_f64().is_some_and(|time| time > 1.7e9)),
            "{line}"
        );
    }
    Ok(lines)
}

#[test]
fn every_kind_of_line_is_written() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    logger.scalar(1, "train/loss", 0.1 + 0.2)?;
    logger.set_epoch(0);
    logger.scalar(2, "train/loss", f64::NAN)?;
    logger.histogram(
        2,
        "weights",
        &Histogram::of(&Tensor::f_from_slice(&[0.0f32, 0.0, 0.5, 2.0])?, 2)?,
    )?;
    logger.image(
        2,
        "../valid input",
        &Tensor::f_zeros([1, 2, 3], (Kind::Float, Device::Cpu))?,
    )?;
    logger.text(2, "notes", "two\nlines")?;
    logger.image_file(
        "ema",
        "weights.png",
        &Tensor::f_zeros([2, 3], (Kind::Float, Device::Cpu))?,
    )?;
    logger.message(Level::Warn, "ema", "a\nforged line\u{1b}[2J")?;
    logger.flush()?;

    let found = lines(&run)?;
    let image = found[3]["image"]
        .as_str()
        .context("an image line")?
        .to_owned();
    let histogram = json!({"limits": [1.0, 2.0], "counts": [3.0, 1.0], "min": 0.0, "max": 2.0, "sum": 2.5,
        "sum_of_squares": 4.25, "not_finite": 0});
    let expected = [
        json!({"step": 1, "name": "train/loss", "value": 0.30000000000000004}),
        json!({"step": 2, "epoch": 0, "name": "train/loss", "value": "NaN"}),
        json!({"step": 2, "epoch": 0, "name": "weights", "histogram": histogram}),
        json!({"step": 2, "epoch": 0, "name": "../valid input", "image": image}),
        json!({"step": 2, "epoch": 0, "name": "notes", "text": "two\nlines"}),
        json!({"level": "warn", "source": "ema", "message": "a\\nforged line\\u{1b}[2J"}),
    ];
    assert_eq!(found, expected);
    let files = atomic_file::entries(&run.images())?;
    assert_eq!(files, [run.path().join(&image)]);
    assert!(
        image.starts_with("images/---valid-input-") && image.ends_with(".2.png"),
        "{image}"
    );
    assert!(run.path().join("artifacts/ema/weights.png").is_file());
    assert_ne!(image_file("a/b", 1), image_file("a-b", 1));
    Ok(())
}

#[test]
fn a_deferred_value_belongs_to_the_moment_it_was_logged_at() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    for (step, value) in [(0, 0.5), (1, 0.25)] {
        logger.set_epoch(step);
        logger.scalar_deferred(step, "loss", arrived(value)?)?;
    }
    logger.set_epoch(7);
    assert_eq!(logger.pending.len(), 2, "nothing is written yet");
    logger.flush_arrived()?;
    logger.flush()?;
    let expected = [
        json!({"step": 0, "epoch": 0, "name": "loss", "value": 0.5}),
        json!({"step": 1, "epoch": 1, "name": "loss", "value": 0.25}),
    ];
    assert_eq!(lines(&run)?, expected);
    Ok(())
}

#[test]
fn values_on_their_way_are_bounded() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    for step in 0..MAX_PENDING as u64 + 10 {
        logger.scalar_deferred(step, "loss", arrived(0.5)?)?;
    }
    assert_eq!(logger.pending.len(), MAX_PENDING);
    Ok(())
}

#[test]
fn a_resumed_run_s_log_reads_like_an_uninterrupted_one() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let log =
        |run: &RunFolder, logged: Option<Logged>, mut steps: std::ops::Range<u64>| -> Result<()> {
            let mut logger = opened(run, logged)?;
            steps.try_for_each(|step| logger.scalar(step, "loss", 1.0 / step as f64))?;
            logger.flush()
        };
    let (whole, resumed) = (
        RunFolder::create(runs.path(), "a")?,
        RunFolder::create(runs.path(), "a")?,
    );
    log(&whole, None, 1..20)?;
    log(&resumed, None, 1..15)?;
    log(
        &resumed,
        Some(Logged {
            step: 10,
            bytes: u64::MAX,
        }),
        11..20,
    )?;
    assert_eq!(lines(&resumed)?, lines(&whole)?);
    Ok(())
}

#[test]
fn names_and_texts_are_checked() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    assert!(logger.scalar(1, "a\nb", 0.0).is_err());
    assert!(logger.scalar_deferred(1, "", arrived(0.0)?).is_err());
    assert!(
        logger
            .text(1, "notes", &"a".repeat(MAX_TEXT_BYTES + 1))
            .is_err()
    );
    assert!(logger.artifact("ema", "../recipe.yaml", b"").is_err());
    let error = logger
        .image(
            1,
            "flat",
            &Tensor::f_zeros([4], (Kind::Float, Device::Cpu))?,
        )
        .expect_err("refused");
    assert!(
        format!("{error:#}").contains("cannot log image `flat`"),
        "{error:#}"
    );
    logger.flush()?;
    assert_eq!(lines(&run)?, Vec::<Value>::new());
    Ok(())
}
