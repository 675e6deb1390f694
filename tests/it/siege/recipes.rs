//! Recipes, and lists of runs, that are small and much: deep, repeated, interpolated, and made of themselves.

use super::Row;
use super::act::{LIST, RECIPE};
use crate::harness::TINY;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "100,000 lists in lists",
        file: || format!("a: {}", "[".repeat(100_000)).into(),
        act: &RECIPE,
        expect: (2, "recursion limit exceeded"),
    },
    Row {
        name: "100,000 mappings in mappings",
        file: || format!("a: {}", "{a: ".repeat(100_000)).into(),
        act: &RECIPE,
        expect: (2, "too large or too complex"),
    },
    Row {
        name: "a million dashes",
        file: || "- ".repeat(500_000).into(),
        act: &RECIPE,
        expect: (2, "not usable as YAML"),
    },
    Row {
        name: "a thousand million laughs",
        file: || laughs("[", |level, _| format!("*a{level},"), "]"),
        act: &RECIPE,
        expect: (2, "too large or too complex"),
    },
    Row {
        name: "a thousand million laughs in mappings",
        file: || laughs("{", |level, place| format!("k{place}: *a{level},"), "}"),
        act: &RECIPE,
        expect: (2, "too large or too complex"),
    },
    Row {
        name: "one anchor 50,000 times",
        file: || {
            with(&format!(
                "x: &x [{}]\ny: [{}]\n",
                "1,".repeat(1000),
                "*x,".repeat(50_000)
            ))
        },
        act: &RECIPE,
        expect: (2, "too large or too complex"),
    },
    Row {
        name: "an anchor inside of itself",
        file: || with("x: &x [*x]\n"),
        act: &RECIPE,
        expect: (2, "not usable as YAML"),
    },
    Row {
        name: "a merge of itself",
        file: || with("x: &x {<<: *x}\n"),
        act: &RECIPE,
        expect: (2, "not usable as YAML"),
    },
    Row {
        name: "60,000 keys",
        file: || with(&each(60_000, |index| format!("k{index}: 1\n"))),
        act: &RECIPE,
        expect: (2, "too large or too complex"),
    },
    Row {
        name: "20,000 unknown keys of a section",
        file: || {
            instead(
                "  max_epochs",
                &format!(
                    "{}  max_epochs",
                    each(20_000, |index| format!("  k{index}: 1\n"))
                ),
            )
        },
        act: &RECIPE,
        expect: (2, "unknown key `k0`"),
    },
    Row {
        name: "one key 40,000 times",
        file: || with(&"x: 1\n".repeat(40_000)),
        act: &RECIPE,
        expect: (2, "is here twice"),
    },
    Row {
        name: "a number of 900,000 digits",
        file: || with(&format!("x: {}\n", "9".repeat(900_000))),
        act: &RECIPE,
        expect: (2, "not usable as YAML"),
    },
    Row {
        name: "a text of 100,000 escapes",
        file: || with(&format!("x: \"{}\"\n", "\\u0041".repeat(100_000))),
        act: &RECIPE,
        expect: (2, "unknown key `x`"),
    },
    Row {
        name: "a text of 300,000 lines",
        file: || with(&format!("x: |\n{}", "  a\n".repeat(200_000))),
        act: &RECIPE,
        expect: (2, "unknown key `x`"),
    },
    Row {
        name: "a recipe of two megabytes",
        file: || with(&"# a remark\n".repeat(190_000)),
        act: &RECIPE,
        expect: (2, "larger than 1048576 bytes"),
    },
    Row {
        name: "10,000 callbacks that nobody has",
        file: || callbacks(&each(10_000, |index| format!("  - t{index}\n"))),
        act: &RECIPE,
        expect: (2, "and at most 256 run"),
    },
    Row {
        name: "10,000 callbacks of files that are not there",
        file: || callbacks(&each(10_000, |index| format!("  - ./t{index}.wasm\n"))),
        act: &RECIPE,
        expect: (2, "and at most 256 run"),
    },
    Row {
        name: "3,000 callbacks",
        file: || {
            callbacks(&each(3000, |index| {
                format!("  - {{stock: trace, name: t{index}}}\n")
            }))
        },
        act: &RECIPE,
        expect: (2, "and at most 256 run"),
    },
    Row {
        name: "250 callbacks that each wait for all others",
        file: || {
            callbacks(&each(250, |index| {
                format!(
                    "  - {{stock: trace, name: t{index}, order: {{before: [{}]}}}}\n",
                    each(250, |other| format!("t{other},"))
                )
            }))
        },
        act: &RECIPE,
        expect: (2, "callbacks wait for each other"),
    },
    Row {
        name: "20,000 metrics that nobody has",
        file: || {
            instead(
                "valid_metrics_list: [Accuracy]",
                &format!(
                    "valid_metrics_list: [{}]",
                    each(20_000, |index| format!("M{index},"))
                ),
            )
        },
        act: &RECIPE,
        expect: (2, "50 names and more of this recipe are not there"),
    },
    Row {
        name: "20,000 metrics of one name",
        file: || {
            let all = format!("valid_metrics_list: [{}]", "Accuracy,".repeat(20_000));
            instead("valid_metrics_list: [Accuracy]", &all)
        },
        act: &RECIPE,
        expect: (2, "error: "),
    },
    Row {
        name: "20,000 transforms that nobody has",
        file: || {
            let all = each(20_000, |index| format!("T{index},"));
            with(&format!("train_transforms: [{all}]\n"))
        },
        act: &RECIPE,
        expect: (2, "50 names and more of this recipe are not there"),
    },
    Row {
        name: "20,000 transforms",
        file: || {
            let all = "RandomHorizontalFlip,".repeat(20_000);
            with(&format!("train_transforms: [{all}]\n"))
        },
        act: &RECIPE,
        expect: (2, "20000 transforms, and at most 256 are applied"),
    },
    Row {
        name: "a loss of 10,000 parts that nobody has",
        file: || {
            let all = each(10_000, |index| format!("p{index}: L{index},"));
            instead(
                "loss: CrossEntropyLoss",
                &format!("loss: {{x: {{parts: {{{all}}}}}}}"),
            )
        },
        act: &RECIPE,
        expect: (2, "50 names and more of this recipe are not there"),
    },
    Row {
        name: "a network of 16 layers of 20,000",
        file: || network("mlp", &format!("{{hidden: [{}]}}", "20000,".repeat(16))),
        act: &RECIPE,
        expect: (2, "more than 268435456 parameters, with `hidden.1.weight`"),
    },
    Row {
        name: "a network of 20,000 layers",
        file: || network("mlp", &format!("{{hidden: [{}]}}", "1,".repeat(20_000))),
        act: &RECIPE,
        expect: (2, "more than 16384 tensors"),
    },
    Row {
        name: "a network of layers beyond all numbers",
        file: || {
            network(
                "mlp",
                "{hidden: [9223372036854775807, 9223372036854775807]}",
            )
        },
        act: &RECIPE,
        expect: (
            2,
            "recipe.yaml:6: architecture `mlp`: it would have more than",
        ),
    },
    Row {
        name: "a network of channels beyond all numbers",
        file: || network("convnet", "{channels: [9223372036854775807, 2]}"),
        act: &RECIPE,
        expect: (2, "more than 268435456 parameters, with `conv1.weight`"),
    },
    Row {
        name: "heads beyond all memory",
        file: || {
            let all = each(1000, |index| format!("h{index}: 100000,"));
            network("multi_task_mlp", &format!("{{heads: {{{all}}}}}"))
        },
        act: &RECIPE,
        expect: (2, "more than 268435456 parameters, with `heads.h"),
    },
    Row {
        name: "more classes than memory holds",
        file: || network("resnet50", "{num_classes: 1000000000}"),
        act: &RECIPE,
        expect: (2, "more than 268435456 parameters, with `fc.weight`"),
    },
    Row {
        name: "a loss with a name of 900,000 letters",
        file: || instead("CrossEntropyLoss", &"x".repeat(900_000)),
        act: &RECIPE,
        expect: (2, "(cut)"),
    },
    Row {
        name: "a network with a name of 900,000 letters",
        file: || {
            instead(
                "architecture: mlp",
                &format!("architecture: {}", "x".repeat(900_000)),
            )
        },
        act: &RECIPE,
        expect: (2, "(cut)"),
    },
    Row {
        name: "a callback with a name of 900,000 letters",
        file: || callbacks(&format!("  - {}\n", "x".repeat(900_000))),
        act: &RECIPE,
        expect: (2, "(cut)"),
    },
    Row {
        name: "a chain of 10,000 interpolations",
        file: || {
            with(&each(10_000, |index| {
                format!("k{index}: ${{k{}}}\n", index + 1)
            }))
        },
        act: &RECIPE,
        expect: (2, "nested deeper than 64 levels"),
    },
    Row {
        name: "interpolations in a circle",
        file: || format!("a: ${{b}}\nb: ${{a}}\n{TINY}  []\n").into(),
        act: &RECIPE,
        expect: (2, "go in a circle"),
    },
    Row {
        name: "interpolations that double forty times",
        file: || {
            with(&format!(
                "k0: x\n{}",
                each(40, |index| format!(
                    "k{}: ${{k{index}}}${{k{index}}}\n",
                    index + 1
                ))
            ))
        },
        act: &RECIPE,
        expect: (2, "too large"),
    },
    Row {
        name: "defaults of itself",
        file: || format!("defaults: [recipe]\n{TINY}  []\n").into(),
        act: &RECIPE,
        expect: (2, "go in a circle"),
    },
    Row {
        name: "10,000 defaults",
        file: || {
            format!(
                "defaults: [{}]\n{TINY}  []\n",
                "recipe_of_others,".repeat(10_000)
            )
            .into()
        },
        act: &RECIPE,
        expect: (2, "recipe_of_others"),
    },
    Row {
        name: "a file above all folders",
        file: || format!("defaults: [{}etc/passwd]\n{TINY}  []\n", "../".repeat(1000)).into(),
        act: &RECIPE,
        expect: (2, "error: "),
    },
    Row {
        name: "bytes that are no text",
        file: || vec![0xff; 900_000],
        act: &RECIPE,
        expect: (2, "not UTF-8"),
    },
    Row {
        name: "zeros",
        file: || vec![0; 900_000],
        act: &RECIPE,
        expect: (2, "not usable as YAML"),
    },
    Row {
        name: "a batch beyond all memory",
        file: || instead("batch_size: 16", "batch_size: 1000000000000000000"),
        act: &RECIPE,
        expect: (0, "has no effect"),
    },
    Row {
        name: "epochs beyond all numbers",
        file: || instead("max_epochs: 2", "max_epochs: 99999999999999999999999"),
        act: &RECIPE,
        expect: (2, "max_epochs"),
    },
    Row {
        name: "a list of 20,000 runs",
        file: || "- {seed: 1}\n".repeat(20_000).into(),
        act: &LIST,
        expect: (2, "1 to 10000 mappings"),
    },
    Row {
        name: "a run of 20,000 keys",
        file: || {
            format!(
                "- {{{}}}\n",
                each(20_000, |index| format!("x.y{index}: 1,"))
            )
            .into()
        },
        act: &LIST,
        expect: (2, "more than 1000 keys are set"),
    },
    Row {
        name: "a list that is deep",
        file: || "[".repeat(100_000).into(),
        act: &LIST,
        expect: (2, "recursion limit exceeded"),
    },
];

/// The tiny recipe and a text at its end.
fn with(text: &str) -> Vec<u8> {
    format!("{TINY}  []\n{text}").into()
}

/// The tiny recipe with these entries of callbacks.
fn callbacks(entries: &str) -> Vec<u8> {
    format!("{TINY}{entries}").into()
}

/// The tiny recipe with another text in the place of one.
fn instead(from: &str, to: &str) -> Vec<u8> {
    format!("{TINY}  []\n").replace(from, to).into()
}

/// A recipe of another network.
fn network(name: &str, params: &str) -> Vec<u8> {
    let recipe =
        format!("{TINY}  []\n").replace("architecture: mlp", &format!("architecture: {name}"));
    recipe
        .replace(
            "arch_params: {hidden: [16]}",
            &format!("arch_params: {params}"),
        )
        .into()
}

/// Text for each number.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// Lists of ten of the list before, eleven times.
fn laughs(open: &str, item: fn(usize, usize) -> String, close: &str) -> Vec<u8> {
    let first = format!("a0: &a0 {open}{close}\n");
    let more = |level: usize| {
        let items = each(10, |place| item(level, place));
        let level = level + 1;
        format!("a{level}: &a{level} {open}{items}{close}\n")
    };
    format!("{first}{}", each(11, more)).into()
}
