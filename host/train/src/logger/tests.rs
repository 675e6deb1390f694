//! What is written where, and what is refused.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tch::{Device, Kind};

use super::*;

/// A value that arrives when the test says so, and counts how often it was waited for.
#[derive(Clone, Default)]
struct Arriving(Arc<Mutex<(Option<f64>, u32)>>);

impl Arriving {
    fn arrive(&self, value: f64) {
        self.0.lock().expect("no panic").0 = Some(value);
    }

    fn waits(&self) -> u32 {
        self.0.lock().expect("no panic").1
    }
}

impl Pending for Arriving {
    fn poll(&mut self) -> Result<Option<f64>> {
        Ok(self.0.lock().expect("no panic").0)
    }

    fn wait(&mut self) -> Result<f64> {
        let mut state = self.0.lock().expect("no panic");
        state.1 += 1;
        Ok(state.0.unwrap_or(-1.0))
    }
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
        &Histogram::from_bins(&[0.0, 1.0, 2.0], &[3.0, 1.0])?,
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
    let histogram = json!({"limits": [1.0, 2.0], "counts": [3.0, 1.0], "min": 0.0, "max": 2.0, "sum": 3.0,
        "sum_of_squares": 3.0, "not_finite": 0});
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
fn deferred_values_are_written_in_order_and_only_a_flush_waits() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    let arriving: Vec<_> = (0..3).map(|_| Arriving::default()).collect();
    for (step, value) in arriving.iter().enumerate() {
        logger.set_epoch(step as u64);
        logger.scalar_deferred(step as u64, "loss", value.clone())?;
    }
    let written = |logger: &mut Logger| -> Result<Vec<(u64, u64, f64)>> {
        logger.flush_files()?;
        let number = |line: &Value, key: &str| line[key].as_u64().unwrap_or(u64::MAX);
        let row = |line: &Value| {
            (
                number(line, "step"),
                number(line, "epoch"),
                line["value"].as_f64().unwrap_or(f64::NAN),
            )
        };
        Ok(lines(&run)?.iter().map(row).collect())
    };
    arriving[1].arrive(0.25);
    logger.flush_arrived()?;
    assert_eq!(written(&mut logger)?, [], "the first has not arrived");
    arriving[0].arrive(0.5);
    logger.flush_arrived()?;
    assert_eq!(written(&mut logger)?, [(0, 0, 0.5), (1, 1, 0.25)]);
    assert!(arriving.iter().all(|value| value.waits() == 0));
    logger.flush()?;
    assert_eq!(
        written(&mut logger)?,
        [(0, 0, 0.5), (1, 1, 0.25), (2, 2, -1.0)]
    );
    assert_eq!(arriving[2].waits(), 1);
    Ok(())
}

#[test]
fn values_on_their_way_are_bounded() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let run = RunFolder::create(runs.path(), "mnist")?;
    let mut logger = opened(&run, None)?;
    let never = Arriving::default();
    for step in 0..MAX_PENDING as u64 + 10 {
        logger.scalar_deferred(step, "loss", never.clone())?;
    }
    assert_eq!((never.waits(), logger.pending.len()), (10, MAX_PENDING));
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
    assert!(logger.scalar_deferred(1, "", Arriving::default()).is_err());
    assert!(
        logger
            .text(1, "notes", &"a".repeat(MAX_TEXT_BYTES + 1))
            .is_err()
    );
    assert!(logger.artifact("plugin", "../recipe.yaml", b"").is_err());
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
