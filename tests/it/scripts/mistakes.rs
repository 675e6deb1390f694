//! Mistakes in scripts, and the words that `check` and a run have for them: the file, the line, the column, the remedy.

use super::{entry, scratch};
use crate::harness::Scratch;

const END: &str = "fn on_epoch_end(ctx) { }";

/// A script that `check` refuses; every part is in the message, which begins with the recipe's line.
fn refused(text: &str, keys: &str, parts: &[&str]) {
    let finished = scratch(text, keys).phasebox(&["check", "recipe.yaml"]);
    assert_eq!(finished.code, Some(2), "{text}: {}", finished.stderr);
    for part in parts.iter().chain(&["recipe.yaml:"]) {
        assert!(
            finished.stderr.contains(part),
            "{text}: `{part}` is not in {}",
            finished.stderr
        );
    }
}

#[test]
fn check_refuses_what_cannot_work() {
    for (text, parts) in [
        (
            "fn on_epoch_end(ctx) {\n  let a = ;\n}",
            &["text:2:11: "][..],
        ),
        ("fn on_epoch_end(ctx) {\n", &["text:"]),
        ("let a = 1;", &["text: no function is named like a phase"]),
        (
            "fn on_train_batch_ended(ctx) { }",
            &[
                "text:1:30: no phase is called `on_train_batch_ended`; did you mean `on_train_batch_end`?",
            ],
        ),
        ("fn on_epoch_end() { }", &["write `fn on_epoch_end(ctx)`"]),
        (
            "fn on_epoch_end(ctx) {\n  ctx.log_scaler(\"a\", 1);\n}",
            &["text:2:7: there is no function `log_scaler`; did you mean `log_scalar`?"],
        ),
        (
            "fn on_epoch_end(ctx) { lerning_rate(); }",
            &["there is no function `lerning_rate`; did you mean `learning_rate`?"],
        ),
        (
            "fn on_epoch_end(ctx) { ctx.log_scalar(1); }",
            &["text:1:28: `log_scalar` takes 2 values"],
        ),
        (
            "fn on_epoch_end(ctx) { twice(1, 2); }\nfn twice(a) { a }",
            &["`twice` has 1 parameters, and gets 2"],
        ),
        (
            "fn on_epoch_end(ctx) { log(ctx.epok); }",
            &["the context has no `epok`; did you mean `epoch`?"],
        ),
        (
            "fn on_epoch_end(ctx) { let a = ctx.loss; }",
            &["no `loss` without parentheses: write `loss(…)`"],
        ),
        (
            "let best = 0;\nfn on_epoch_end(ctx) { best += 1; }",
            &[
                "text:2:24: ",
                "best",
                "functions see their own variables, state",
            ],
        ),
        (
            "fn on_epoch_end(ctx) { eval(\"1\"); }",
            &["text:1:24: ", "eval"],
        ),
        (
            "import \"std\" as std;\nfn on_epoch_end(ctx) { }",
            &["text:1:1: "],
        ),
        (
            "ctx_loss();\nfn on_epoch_end(ctx) { }",
            &["there is no function `ctx_loss`"],
        ),
        (
            "loss();\nfn on_epoch_end(ctx) { }",
            &[
                "text:1:1: ",
                "at the script's top level there is no training yet",
            ],
        ),
        (
            "state = 3;\nfn on_epoch_end(ctx) { }",
            &["`state` is a map"],
        ),
        (
            "fn f(n) { f(n + 1) }\nf(0);\nfn on_epoch_end(ctx) { }",
            &["text:2:1: ", "Stack overflow"],
        ),
        (
            "fn on_epoch_end(ctx) {\n  if ctx.epoch > 3 { ctx.request_stop(\"enough\"); }\n}",
            &[
                "text:2:26: `request_stop` needs the grant `stop`",
                "write `grants: [stop]`",
            ],
        ),
        (
            "fn on_train_batch_end(ctx) { log(ctx.loss().item()); }",
            &["needs the grant `sync`"],
        ),
    ] {
        refused(text, "params: {}", parts);
    }
}

#[test]
fn check_refuses_what_an_entry_lacks() {
    for (written, parts) in [
        (
            "  - Script\n",
            &["recipe.yaml:18", "a script is `- Script: {file: my.rhai}`"][..],
        ),
        ("  - Script: {params: {a: 1}}\n", &["without a script"]),
        (
            "  - Script: {file: a.rhai, text: b}\n",
            &["has both `file` and `text`; keep one"],
        ),
        (
            "  - Script: {file: none.rhai}\n",
            &[
                "there is no script at",
                "none.rhai",
                "begins at the recipe's folder",
            ],
        ),
        (
            "  - Script: {file: bytes.rhai}\n",
            &["bytes.rhai is no script: it is not UTF-8 text"],
        ),
        (
            "  - Script: {file: ., name: mine}\n",
            &["it is a folder: name a regular file"],
        ),
        (
            "  - Script: {file: large.rhai}\n",
            &["at most 262144 are read"],
        ),
        (
            "  - Script: {file: good.rhai, patience: 3}\n",
            &["unknown key `patience`"],
        ),
        (
            "  - Script: {file: good.rhai, grants: [stops]}\n",
            &["there is no grant `stops`; did you mean `stop`?"],
        ),
        (
            "  - good.rhai\n",
            &["`good.rhai` is a script: write `- Script: {file: good.rhai}`"],
        ),
        ("  - Script: {file: wrong.rhai}\n", &["wrong.rhai:2:2: "]),
        (
            "  - {stock: Script, params: {file: good.rhai}}\n",
            &["without a script"],
        ),
        (
            "  - Script: {file: good.rhai, digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'}\n",
            &["accepts only a script with sha256:0000"],
        ),
    ] {
        let scratch = Scratch::with_callbacks(written);
        scratch.write("good.rhai", END);
        scratch.write("wrong.rhai", "fn on_epoch_end(ctx) {\n}}");
        scratch.write("bytes.rhai", [b'/', b'/', 0xff, b'\n']);
        scratch.write("large.rhai", vec![b' '; 300_000]);
        let finished = scratch.phasebox(&["check", "recipe.yaml"]);
        assert_eq!(finished.code, Some(2), "{written}: {}", finished.stderr);
        for part in parts {
            assert!(
                finished.stderr.contains(part),
                "{written}: `{part}` is not in {}",
                finished.stderr
            );
        }
    }
}

/// Both forms of an entry, with every key beside the script.
#[test]
fn check_shows_the_phases_and_the_digest() {
    for written in [
        "  - Script: {file: good.rhai, name: mine, grants: [stop], limits: {time: 1s}}\n",
        "  - {stock: Script, file: good.rhai, name: mine, grants: [stop], limits: {time: 1s}}\n",
    ] {
        let scratch = Scratch::with_callbacks(written);
        scratch.write("good.rhai", END);
        let finished = scratch.phasebox(&["check", "recipe.yaml"]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(
            finished.stdout.contains("mine  good.rhai sha256:"),
            "{}",
            finished.stdout
        );
        let plan: Vec<&str> = finished
            .stdout
            .lines()
            .filter(|line| line.ends_with(" mine"))
            .collect();
        assert_eq!(plan.len(), 1, "{plan:?}");
        assert!(plan[0].contains("on-epoch-end"), "{plan:?}");
    }
}

/// A script that ends a run, and the parts of the message.
fn fails(text: &str, keys: &str, parts: &[&str]) {
    let scratch = scratch(text, keys);
    let finished = scratch.train(&[]);
    assert_eq!(finished.code, Some(1), "{text}: {}", finished.stderr);
    for part in parts.iter().chain(&["callback `Script`"]) {
        assert!(
            finished.stderr.contains(part),
            "{text}: `{part}` is not in {}",
            finished.stderr
        );
    }
}

#[test]
fn an_exception_that_nobody_catches_is_the_callbacks_error() {
    for (text, parts) in [
        (
            "fn on_epoch_end(ctx) {\n  throw \"enough\";\n}",
            &["text:2:3: enough", "in `on_epoch_end`"][..],
        ),
        (
            "fn on_epoch_end(ctx) { twice(1); }\nfn twice(a) {\n  a.foo()\n}\nlet m = #{foo: 1};",
            &[
                "text:3:5: ",
                "foo",
                "in `twice`, called at 1:24",
                "in `on_epoch_end`",
            ],
        ),
        (
            "fn on_epoch_end(ctx) { ctx.loss(); }",
            &[
                "text:1:28: ",
                "the loss exists from on-train-batch-loss-end on",
            ],
        ),
        (
            "fn on_epoch_end(ctx) { ctx.log_scalar(1, 2); }",
            &["`log_scalar`: value 1 must be a text, not a whole number"],
        ),
        (
            "fn on_train_batch_end(ctx) { ctx.loss().sum(\"a\"); }",
            &["`sum`: value 1 must be a list of whole numbers"],
        ),
        (
            "fn on_train_batch_end(ctx) { ctx.loss().fill_in_place(1); }",
            &["text:1:41: ", "grant"],
        ),
        (
            "fn on_train_batch_end(ctx) { if \"t\" in state { state.t.neg(); } state.t = ctx.loss(); }",
            &["`keep`"],
        ),
        (
            "fn on_epoch_end(ctx) { state.t = ctx.parameters(); }",
            &["text: `state.t` is a TensorGroup, which a checkpoint cannot hold"],
        ),
        (
            "fn on_epoch_end(ctx) { params.a = 2; }",
            &["text:1:24: ", "constant"],
        ),
    ] {
        fails(text, "params: {a: 1}", parts);
    }
}

#[test]
fn an_exception_that_is_caught_has_a_code_and_a_message() {
    let text = "\
fn on_epoch_end(ctx) {
    try { ctx.request_stop(\"no\"); } catch (err) { log(`${err.code}: ${err.message}`); }
    try { ctx.loss(); } catch (err) { log(err.code); }
    try { throw #{code: \"mine\", message: \"text\"}; } catch (err) { log(err.code); }
}";
    let scratch = scratch(text, "params: {}");
    let run = scratch.trained(&[]);
    let said = run.text("metrics.jsonl");
    for part in ["denied: ", "grants: [stop]", "not-available", "mine"] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
}

#[test]
fn an_ignored_failure_goes_on() {
    let failing = entry(
        "fn on_train_batch_end(ctx) { throw 3; }",
        "on_error: ignore",
    );
    let scratch = Scratch::with_callbacks(&failing);
    let without = Scratch::with_callbacks("  []\n");
    let plain = without.trained(&[]);
    let run = scratch.trained(&[]);
    assert_eq!(run.metrics(), plain.metrics());
    assert_eq!(run.callback("Script")["calls"], 10);
}
