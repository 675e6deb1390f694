//! `phasebox report` shows of a run what the run's summary holds.

use crate::harness::Scratch;

#[test]
fn a_report_shows_what_the_summary_holds() {
    let scratch = Scratch::with_callbacks("  - trace\n  - grad-clip: {max_norm: 1.0}\n");
    let run = scratch.trained(&[]);
    let report = scratch.phasebox(&["report", run.path()]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let summary = run.summary();
    let rows = summary["plugins"]
        .as_array()
        .expect("a list of callbacks")
        .iter();
    for plugin in rows {
        let (name, calls) = (
            plugin["name"].as_str().unwrap_or_default(),
            plugin["calls"].to_string(),
        );
        let row = report
            .stdout
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default();
        assert_eq!(
            row.split_whitespace().nth(1),
            Some(calls.as_str()),
            "{}",
            report.stdout
        );
    }
    assert!(
        report
            .stdout
            .contains("\nend   completed\nwork  2 epochs, 6 steps, "),
        "{}",
        report.stdout
    );
    let recorded = &summary["recorded_steps"];
    let count = |key: &str| recorded[key].as_u64().expect("a count");
    let (replayed, segments) = (
        count("replayed_batches"),
        recorded["segments"].as_array().expect("a list").len(),
    );
    let (all, recordings) = (replayed + count("eager_batches"), count("recordings"));
    let step = format!(
        "\nstep  {replayed} of {all} batches repeated from {recordings} recordings of {segments} segments\n"
    );
    assert!(report.stdout.contains(&step), "{}", report.stdout);
    let json = scratch.phasebox(&["report", run.path(), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("valid JSON");
    assert_eq!(json, summary);
}

/// The best value is of validation; the values that were computed last need not be.
#[test]
fn the_last_values_name_their_part() {
    for (keeps_average, part) in [("true", "average_best_models"), ("false", "test")] {
        let scratch = Scratch::with_callbacks("  []\n");
        let average = format!("training_hyperparams.average_best_models={keeps_average}");
        let trained = scratch.train(&[&average]);
        let run = scratch.run();
        let summary = run.summary();
        assert_eq!(summary["final_of"], part);
        let loss = summary["final"]["loss"].as_f64().expect("a loss");
        let report = scratch.phasebox(&["report", run.path()]);
        for (begin, said) in [("last: ", &trained.stdout), ("last  ", &report.stdout)] {
            let line = format!("\n{begin}{part}/loss {loss:.4}  {part}/Accuracy ");
            assert!(said.contains(&line), "{said}");
        }
    }
}

#[test]
fn a_report_says_why_steps_were_not_recorded() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&["training_hyperparams.record_steps=off"]);
    let report = scratch.phasebox(&["report", run.path()]).stdout;
    assert!(
        report.contains("\nstep  not recorded: the recipe says `record_steps: off`\n"),
        "{report}"
    );
}

/// A run that was killed, or goes on, has no summary yet.
#[test]
fn a_run_without_a_summary_is_named() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    std::fs::remove_file(run.0.join("summary.json")).expect("it is there");
    let report = scratch.phasebox(&["report", run.path()]);
    assert_eq!(report.code, Some(1), "{}", report.stdout);
    assert!(
        report
            .stderr
            .contains("summary.json: the run goes on, or was killed"),
        "{}",
        report.stderr
    );
}
