//! Texts of strangers with control characters, lines and length: in names of components, keys, cells, classes, locks and
//! arguments. None reaches the terminal as it is, none begins a line of its own, and none takes more than a page.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::harness::wat_components::{FAIL, FLOOD, NOTHING, altered, assembled, component};
use crate::harness::{Finished, Scratch, TINY};

/// A title for the terminal's window, a line of somebody else, and a text that runs backwards.
const NASTY: &str = "\u{1b}]0;owned\u{7}\nerror: forged\u{202e}\u{9b}2J";
/// [`NASTY`] as WebAssembly text has it.
const NASTY_WAT: &str = "\\1b]0;owned\\07\\nerror: forged\\u{202e}\\u{9b}2J";
/// The most bytes that a command may print about a stranger's file.
const MOST_BYTES: usize = 20_000;

/// Control characters, forged lines and bytes of what a command printed.
fn check_printed(name: &str, finished: &Finished) {
    for stream in [&finished.stdout, &finished.stderr] {
        let hidden = |letter: char| letter != '\n' && letter.is_control() || letter == '\u{202e}';
        assert!(!stream.contains(hidden), "{name}: {stream:?}");
        assert!(!stream.contains("\nerror: forged"), "{name}: {stream}");
        let length = stream.len();
        assert!(length < MOST_BYTES, "{name}: {length} bytes");
    }
}

/// A file of a stranger, and the command that looks at it.
struct Row {
    name: &'static str,
    write: fn(&Scratch),
    arguments: &'static [&'static str],
    /// Words of what is printed.
    expected: &'static str,
}

fn callback(scratch: &Scratch, bytes: Vec<u8>) {
    scratch.write("case.wasm", bytes);
    scratch.write("recipe.yaml", format!("{TINY}  - ./case.wasm\n"));
}

/// A component that exports this name beside its callback.
fn exporting(name: &str) -> Vec<u8> {
    let more = format!(
        "(export \"phasebox:case/callback\" (instance $callback))\n(export \"{name}\" (instance $callback)))"
    );
    let end = "(export \"phasebox:case/callback\" (instance $callback)))";
    altered(&[("on-epoch-end", NOTHING)], &[(end, &more)])
}

fn recipe_with(scratch: &Scratch, key: &str) {
    let key = serde_json::Value::from(key).to_string();
    scratch.write("recipe.yaml", format!("{TINY}  []\n{key}: 1\n"));
}

/// A recipe whose data set is named alone: arguments take its place.
fn tiny(scratch: &Scratch) {
    let recipe = TINY.replace("{digits: {test_fraction: 0.1}}", "digits");
    scratch.write("recipe.yaml", recipe + "  []\n");
}

fn table(scratch: &Scratch, header: &str, cell: &str) {
    let quoted = |text: &str| format!("\"{text}\"");
    let rows = format!("{},y\n{},1\n", quoted(header), quoted(cell));
    scratch.write("data.csv", rows);
    tiny(scratch);
}

const TABLE: &[&str] = &[
    "check",
    "recipe.yaml",
    "dataset={csv: {file: data.csv, target: y}}",
];

const INSPECT: &[&str] = &["inspect", "case.wasm"];
const CHECK: &[&str] = &["check", "recipe.yaml"];

const ROWS: &[Row] = &[
    Row {
        name: "a name of an import",
        write: |scratch| {
            let import = format!("(component (import \"url=<{NASTY_WAT}>\" (instance)))");
            callback(scratch, assembled(&import));
        },
        arguments: INSPECT,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a name of an import, in a check",
        write: |scratch| {
            let import = format!("(component (import \"{NASTY_WAT}\" (instance)))");
            callback(scratch, assembled(&import));
        },
        arguments: CHECK,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a name of an export",
        write: |scratch| callback(scratch, exporting(&format!("url=<{NASTY_WAT}>"))),
        arguments: INSPECT,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a name of an export, as JSON",
        write: |scratch| callback(scratch, exporting(&format!("url=<{NASTY_WAT}>"))),
        arguments: &["inspect", "case.wasm", "--json"],
        expected: "]0;owned",
    },
    Row {
        name: "an export with a long name",
        write: |scratch| callback(scratch, exporting(&format!("url=<{}>", "a".repeat(90_000)))),
        arguments: INSPECT,
        expected: "url=<aaaa",
    },
    Row {
        name: "an export with a long name, as JSON",
        write: |scratch| callback(scratch, exporting(&format!("url=<{}>", "a".repeat(90_000)))),
        arguments: &["inspect", "case.wasm", "--json"],
        expected: "url=<aaaa",
    },
    Row {
        name: "an export with a name beyond all bounds",
        write: |scratch| callback(scratch, exporting(&"a".repeat(27_000_000))),
        arguments: INSPECT,
        expected: "case.wasm",
    },
    Row {
        name: "a component of many exports",
        write: |scratch| {
            let long = "a".repeat(100);
            let export = |name| format!("(export \"{long}{name}\" (instance $i))");
            let exports: String = (0..600).map(export).collect();
            callback(
                scratch,
                assembled(&format!("(component (instance $i) {exports})")),
            );
        },
        arguments: INSPECT,
        expected: "it exports no interface named `callback`",
    },
    Row {
        name: "a key of a recipe",
        write: |scratch| recipe_with(scratch, "\u{1b}]0;owned\u{7}\nerror: forged"),
        arguments: CHECK,
        expected: "unknown key `\\u{1b}]0;owned",
    },
    Row {
        name: "a long key of a recipe",
        write: |scratch| recipe_with(scratch, &"a".repeat(1000)),
        arguments: CHECK,
        expected: "unknown key `aaaa",
    },
    Row {
        name: "a key of the command line",
        write: tiny,
        arguments: &[
            "check",
            "recipe.yaml",
            "\u{1b}]0;owned\u{7}\nerror: forged=1",
        ],
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "an option of the command line",
        write: |_| (),
        arguments: &["check", "a", "--\u{1b}]0;owned\u{7}\nerror: forged"],
        expected: "\n  error: forged",
    },
    Row {
        name: "a command of the command line",
        write: |_| (),
        arguments: &["\u{1b}]0;owned\u{7}\nerror: forged"],
        expected: "\n  error: forged",
    },
    Row {
        name: "a name in a lock",
        write: |scratch| {
            callback(scratch, component(&[("on-epoch-end", NOTHING)]));
            let locked = serde_json::json!({ "schema": 2, "callbacks": [{
                "name": NASTY, "source": NASTY, "sha256": NASTY, "interface": NASTY,
                "version": NASTY, "grants": [NASTY] }]});
            scratch.write("recipe.plugins.lock", locked.to_string());
            tiny(scratch);
        },
        arguments: CHECK,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a key in a lock",
        write: |scratch| {
            let locked = serde_json::json!({ "schema": 2, "callbacks": [{ NASTY: 1 }] });
            scratch.write("recipe.plugins.lock", locked.to_string());
            tiny(scratch);
        },
        arguments: CHECK,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a cell of a table",
        write: |scratch| table(scratch, "x", NASTY),
        arguments: TABLE,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a column of a table",
        write: |scratch| table(scratch, NASTY, "a"),
        arguments: TABLE,
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a long cell of a table",
        write: |scratch| table(scratch, "x", &"a".repeat(1_000_000)),
        arguments: TABLE,
        expected: "aaaa",
    },
    Row {
        name: "a folder of a class",
        write: |scratch| {
            let class = scratch.path("train").join(NASTY.replace('/', ""));
            fs::create_dir_all(class).expect("ours");
            tiny(scratch);
        },
        arguments: &["check", "recipe.yaml", "dataset={image_folder: {root: .}}"],
        expected: "\\u{1b}]0;owned",
    },
    Row {
        name: "a summary of a run",
        write: |scratch| {
            scratch.write(
                "summary.json",
                format!("{{\"epochs\": {:?}}}", "a".repeat(90_000)),
            )
        },
        arguments: &["report", "."],
        expected: "summary.json",
    },
];

#[test]
fn no_text_of_a_stranger_leaves_its_place() {
    let mut missing = Vec::new();
    for row in ROWS {
        let scratch = Scratch::new();
        (row.write)(&scratch);
        let finished = scratch.phasebox(row.arguments);
        let printed = format!("{}{}", finished.stdout, finished.stderr);
        check_printed(row.name, &finished);
        if !printed.contains(row.expected) {
            missing.push(format!("{}: {printed}", row.name));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn paths_that_are_not_utf_8_are_refused_where_they_are_read() {
    let scratch = Scratch::new();
    tiny(&scratch);
    let name = OsStr::from_bytes(b"a\xff.yaml");
    fs::copy(scratch.path("recipe.yaml"), scratch.path("").join(name)).expect("ours");
    let check = |command: &mut Command, expected: &str| {
        let output = command.output().expect("it ends");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    let argument = "the argument `a\\xff.yaml` is not UTF-8: rename the file or folder";
    for arguments in [["check"].as_slice(), &["train"], &["inspect", "--json"]] {
        check(scratch.command(arguments).arg(name), argument);
    }
    let folder = scratch.path("").join(OsStr::from_bytes(b"work\xff"));
    fs::create_dir(&folder).expect("ours");
    let mut command = scratch.command(&["doctor"]);
    check(command.current_dir(&folder), "work\\xff` is not UTF-8");
    for byte in [b"cats\xfe", b"cats\xff"] {
        let class = scratch.path("train").join(OsStr::from_bytes(byte));
        fs::create_dir_all(class).expect("ours");
    }
    let data = "dataset={image_folder: {root: .}}";
    let mut command = scratch.command(&["check", "recipe.yaml", data]);
    check(&mut command, "cats\\xfe: the folder of a class");
}

/// A name of a callback, and words of its refusal.
const NAMES: &[(&str, &str)] = &[
    ("train", "no callback may be named `train`"),
    ("Valid", "no callback may be named `Valid`"),
    ("lr", "no callback may be named `lr`"),
    ("note", "no callback may be named `note`"),
    ("clip:v2", "callback `clip:v2` needs another `name:`"),
    ("a&b", "callback `a&b` needs another `name:`"),
    ("../x", "callback `../x` needs another `name:`"),
    ("\u{1b}[2J", "callback `\\u{1b}[2J` needs another `name:`"),
    ("", "callback `` needs another `name:`"),
    (
        "TRACE",
        "a callback named `trace` is already at recipe.yaml:18",
    ),
];

#[test]
fn a_callback_s_name_is_its_own() {
    for (name, expected) in NAMES {
        let name = serde_json::Value::from(*name);
        let entry = format!("  - trace\n  - {{stock: trace, name: {name}}}\n");
        let finished = Scratch::with_callbacks(&entry).phasebox(CHECK);
        assert_eq!(finished.code, Some(2), "{name}: {}", finished.stderr);
        check_printed(expected, &finished);
        let said = &finished.stderr;
        assert!(said.contains(expected), "{name}: {said}");
    }
    for file in ["train", "a&b"] {
        let entry = format!("  - ./{file}.wasm\n");
        let scratch = Scratch::with_callbacks(&entry);
        let bytes = component(&[("on-epoch-end", NOTHING)]);
        scratch.write(&format!("{file}.wasm"), bytes);
        let finished = scratch.phasebox(CHECK);
        assert_eq!(finished.code, Some(2), "{file}: {}", finished.stderr);
    }
}

/// Keys whose values name files.
const FILE_NAMES: &[&str] = &[
    "experiment_name=X",
    "training_hyperparams.ckpt_best_name=X",
    "training_hyperparams.ckpt_name=X",
];

#[test]
fn a_name_of_a_file_is_checked_when_it_is_read() {
    for key in FILE_NAMES {
        for name in ["../x", "a/b", ".x", "x.", "\"\"", "\"a\\nb\"", "a:b"] {
            let scratch = Scratch::new();
            tiny(&scratch);
            let change = key.replace('X', name);
            let finished = scratch.phasebox(&["check", "recipe.yaml", &change]);
            assert_eq!(finished.code, Some(2), "{change}: {}", finished.stderr);
            check_printed(&change, &finished);
            let place = "from the command line";
            assert!(finished.stderr.contains(place), "{}", finished.stderr);
        }
    }
}

#[test]
fn a_callback_that_always_fails_is_told_now_and_then() {
    let scratch = Scratch::with_callbacks("  - {wasm: case.wasm, on_error: ignore}\n");
    let phases = ["on-train-batch-start", "on-train-batch-end"];
    scratch.write("case.wasm", component(&phases.map(|phase| (phase, FAIL))));
    let finished = scratch.train(&["training_hyperparams.max_epochs=12"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let told = finished.stderr.matches("callback `case` failed at").count();
    assert_eq!(told, 5, "{}", finished.stderr);
    let last = "(failure 100 of this callback)";
    assert!(finished.stderr.contains(last), "{}", finished.stderr);
    let callback = scratch.run().callback("case");
    assert_eq!(callback["failures"].as_array().map(Vec::len), Some(100));
}

#[test]
fn equal_lines_are_thinned_on_the_terminal_alone() {
    let scratch = Scratch::with_callbacks("  - {wasm: case.wasm}\n");
    scratch.write("case.wasm", component(&[("on-epoch-end", FLOOD)]));
    let finished = scratch.train(&[]);
    let told = finished.stderr.matches("INFO case: asked").count();
    assert!((4..=6).contains(&told), "{told}: {}", finished.stderr);
    assert!(finished.stderr.contains("(said 10 times)"));
    let log = scratch.run().text("metrics.jsonl");
    assert!(log.matches("\"message\":\"asked\"").count() > 50, "{log}");
}
