//! Scripts that would take the machine: each ends itself, with its line where the language notices, and nothing else.

use super::entry;
use crate::harness::Scratch;
use crate::harness::training::Training;

/// A script that is stopped, with the reason.
fn contained(body: &str, parts: &[&str]) {
    let text =
        format!("fn on_epoch_start(ctx) {{\n{body}\n}}\nfn deeper(n) {{ 1 + deeper(n + 1) }}");
    let keys = "limits: {time: 300ms, memory: 32MiB}\n      on_error: disable";
    let scratch = Scratch::with_callbacks(&entry(&text, keys));
    let run = scratch.trained(&[]);
    let failure = run.callback("Script")["failures"][0].to_string();
    for part in parts {
        assert!(
            failure.contains(part),
            "{body}: `{part}` is not in {failure}"
        );
    }
}

#[test]
fn what_never_ends_or_grows_ends_itself() {
    for (body, parts) in [
        ("loop { }", &["time"][..]),
        ("let n = 0; while true { n += 1; }", &["time"]),
        ("deeper(0);", &["text:2:1: ", "Stack overflow"]),
        ("let t = \"a\"; loop { t += t; }", &["text:2:", "too large"]),
        ("let l = [1]; loop { l += l; }", &["memory"]),
        (
            "let m = #{}; for i in 0..100000000 { m[i.to_string()] = i; }",
            &["time"],
        ),
        (
            "let l = []; for i in 0..1000000 { l.push(ctx.seed.to_string()); }",
            &["time"],
        ),
        (
            "let l = []; l.pad(1000000000, 0);",
            &["text:2:", "too large"],
        ),
        (
            "let t = \"a\"; t.pad(1000000000, \"b\");",
            &["text:2:", "too large"],
        ),
        (
            "let f = |f, n| f.call(f, n + 1); f.call(f, 0);",
            &["text:2:", "Stack overflow"],
        ),
        ("for i in 0..200000 { ctx.seed; }", &["host"]),
        ("loop { ctx.log_text(\"a\", \"b\"); }", &["log_values"]),
        (
            "state.l = []; for i in 0..40 { state.l = [state.l]; }",
            &["deeper than 32"],
        ),
    ] {
        contained(body, parts);
    }
}

/// Texts that are hard to read, not to run.
#[test]
fn hostile_texts_are_refused_quickly() {
    let deep = format!(
        "fn on_epoch_end(ctx) {{ let a = {}1{}; }}",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    let long = format!(
        "fn on_epoch_end(ctx) {{ {} }}",
        "let a = 1; ".repeat(20_000)
    );
    let names = format!(
        "{}fn on_epoch_end(ctx) {{ }}",
        (0..5000)
            .map(|n| format!("fn f{n}() {{ f{n}() }}\n"))
            .collect::<String>()
    );
    for (text, code) in [(&deep, 2), (&long, 0), (&names, 0)] {
        let begun = std::time::Instant::now();
        let finished = super::scratch(text, "params: {}").phasebox(&["check", "recipe.yaml"]);
        assert_eq!(finished.code, Some(code), "{}", finished.stderr);
        assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    }
}

/// As many calls as a long run has: neither handles nor memory grow.
#[test]
fn a_hundred_thousand_calls_of_host_functions_take_no_more_than_few() {
    let text = "\
fn on_train_batch_end(ctx) {
    let loss = ctx.loss();
    for i in 0..params.times { let twice = loss * 2; twice += loss; }
    state.last = loss.defer();
    log_scalar(\"norm\", ctx.parameters().norm());
}";
    let run = |times: u64| {
        let keys = format!(
            "params: {{times: {times}}}\n      limits: {{launches: 100000, call_tensors: 1GiB, host_calls: 1000000}}"
        );
        let run = Training::digits()
            .epochs(4)
            .callbacks(&entry(text, &keys))
            .run();
        let report = run.callback("Script");
        let of = |key: &str| report[key].as_u64().expect(key);
        (of("live_handles"), of("peak_memory_bytes"), of("calls"))
    };
    let (few, many) = (run(1), run(1200));
    assert!(many.0 <= few.0 + 16, "{many:?} after {few:?}");
    assert!(many.1 <= few.1 + (1 << 20), "{many:?} after {few:?}");
    assert!(many.2 * 1200 > 100_000, "{many:?}");
}
