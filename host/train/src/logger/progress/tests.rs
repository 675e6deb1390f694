//! The progress that people and machines see.

use std::sync::{Arc, Mutex};

use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

use super::*;

/// The text that was written, shared with the progress that writes it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .map_err(|_| io::Error::other("poisoned"))?
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two epochs of three batches of 32, the second resumed at its last one.
fn two_epochs(progress: &mut Progress) -> Result<()> {
    for (epoch, next_batch) in [(0, 0), (1, 2)] {
        progress.start_epoch(epoch, 2, Some(3), next_batch);
        for batch in next_batch..3 {
            // As if ten seconds had passed before the last batch.
            if batch == 2 {
                progress.epoch.shown -= LINE_EVERY;
            }
            progress.batch(32, Some(0.5));
        }
        progress.add_metric("train/loss".to_owned(), 0.5);
        progress.add_metric("Accuracy\n".to_owned(), f64::NAN);
        progress.end_epoch(3 * (epoch + 1))?;
    }
    progress.finish(&json!({"epochs": 2}));
    Ok(())
}

/// Digits that depend on time become `#`.
fn without_times(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let is_time = |at: usize| {
        ["s", "samples/s", "batches/s"].iter().any(|unit| {
            words
                .get(at + 1)
                .is_some_and(|w| w.trim_end() == *unit || w.starts_with(&format!("{unit}\n")))
        })
    };
    let shown = words
        .iter()
        .enumerate()
        .map(|(at, word)| if is_time(at) { "#" } else { word });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn plain_lines_are_one_per_epoch_and_one_every_ten_seconds() -> Result<()> {
    let shared = Shared::default();
    two_epochs(&mut Progress::new(Output::Lines(Box::new(shared.clone()))))?;
    let text = String::from_utf8(shared.0.lock().expect("no panic").clone())?;
    let expected = "epoch 1/2  batch 3/3  loss 0.5000  # samples/s  # batches/s\n\
        epoch 1/2  train/loss 0.5000  Accuracy\\n NaN  # s  # samples/s  # batches/s\n\
        epoch 2/2  batch 3/3  loss 0.5000  # samples/s  # batches/s\n\
        epoch 2/2  train/loss 0.5000  Accuracy\\n NaN  # s  # samples/s  # batches/s\n";
    assert_eq!(without_times(&text), expected);
    Ok(())
}

#[test]
fn machines_get_one_event_per_epoch_and_one_at_the_end() -> Result<()> {
    let shared = Shared::default();
    two_epochs(&mut Progress::new(Output::Json(Box::new(shared.clone()))))?;
    let text = String::from_utf8(shared.0.lock().expect("no panic").clone())?;
    let mut events = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>()?;
    for epoch in &mut events[..2] {
        for time in ["seconds", "batches_per_second", "samples_per_second"] {
            assert!(
                epoch[time].take().as_f64().is_some_and(|value| value > 0.0),
                "{time}"
            );
        }
    }
    let epoch = |epoch: u64| {
        json!({"event": "epoch", "epoch": epoch, "epochs": 2, "step": 3 * (epoch + 1), "seconds": null,
            "batches_per_second": null, "samples_per_second": null,
            "metrics": {"train/loss": 0.5, "Accuracy\n": "NaN"}})
    };
    assert_eq!(
        events,
        [
            epoch(0),
            epoch(1),
            json!({"event": "end", "summary": {"epochs": 2}})
        ]
    );
    Ok(())
}

/// A program that trains several times on one terminal.
#[test]
fn runs_follow_each_other_on_one_bar() -> Result<()> {
    let terminal = InMemoryTerm::new(20, 120);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let bar = ProgressBar::with_draw_target(None, target);
    for run in 1..=3 {
        let mut progress = Progress::new(Output::Bar(bar.clone()));
        progress.start_epoch(0, run, Some(2), 0);
        progress.batch(32, None);
        bar.force_draw();
        let shown = terminal.contents();
        let last = shown.lines().last().unwrap_or_default();
        assert!(
            last.starts_with(&format!("epoch 1/{run} ")) && last.contains(" 1/2 "),
            "{shown}"
        );
        progress.end_epoch(1)?;
        progress.finish(&json!({}));
        bar.suspend(|| {});
        assert_eq!(
            terminal.contents().lines().count() as u64,
            run,
            "a line an epoch, and no bar"
        );
    }
    Ok(())
}

/// A reader that goes away and a disk that is full take the progress with them, not the run.
#[test]
fn a_run_goes_on_without_readers() -> Result<()> {
    let outputs: [fn(Box<dyn Write + Send>) -> Output; 2] = [Output::Lines, Output::Json];
    for output in outputs {
        let (reader, unread) = io::pipe()?;
        drop(reader);
        let full = std::fs::File::options().write(true).open("/dev/full")?;
        let writers: [Box<dyn Write + Send>; 2] = [Box::new(unread), Box::new(full)];
        for writer in writers {
            let mut progress = Progress::new(output(writer));
            two_epochs(&mut progress)?;
            assert!(matches!(progress.output, Output::Silent));
        }
    }
    Ok(())
}

#[test]
fn the_bar_shows_the_epoch_and_leaves_its_line() -> Result<()> {
    let terminal = InMemoryTerm::new(10, 120);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let mut progress = Progress::new(Output::Bar(ProgressBar::with_draw_target(None, target)));
    progress.start_epoch(0, 2, Some(3), 0);
    progress.epoch.shown -= NUMBERS_EVERY;
    progress.batch(32, Some(0.25));
    if let Output::Bar(bar) = &progress.output {
        bar.force_draw();
    }
    let shown = terminal.contents();
    for part in ["epoch 1/2", "1/3", "loss 0.2500", "samples/s", "left"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    progress.add_metric("Accuracy".to_owned(), 0.98);
    progress.end_epoch(3)?;
    let left = terminal.contents();
    assert!(
        left.starts_with("epoch 1/2  Accuracy 0.9800  ") && left.lines().count() == 1,
        "{left}"
    );
    assert_eq!(terminal.width(), 120);
    Ok(())
}
