//! How often a stock callback crosses to the host in one call, counted: each crossing costs what an addition of two small
//! tensors does. The context is given back by a crossing of its own.

use crate::harness::training::Training;

/// A stock callback, crossings that a call at a step may have, and those that come before the first step.
const ROWS: [(&str, &str, f64, f64); 3] = [
    ("grad-clip", "{max_norm: 1.0}", 2.0, 1.0),
    ("lr-warmup-cosine", "{warmup_steps: 8}", 3.0, 4.0),
    // Two calls a step: before and after the step. Three tensors or groups each.
    ("grad-norm-monitor", "{}", 10.0, 1.0),
];

#[test]
fn few_crossings_are_enough() {
    for (name, params, a_call, at_first) in ROWS {
        let callback = format!("{name}: {params}");
        let run = Training::digits().callback(&callback).epochs(2).run();
        let entry = run.callback(name);
        let count = |key: &str| entry[key].as_f64().expect("a count");
        let allowed = a_call * count("calls") + at_first;
        let crossings = count("crossings");
        assert!(
            crossings <= allowed,
            "{name}: {crossings} crossings in {} calls, at most {allowed} are allowed",
            count("calls")
        );
    }
}
