//! How a file is written.

use super::{Source, check, has_word, sources};

/// Files may be longer than this only with a reason.
const MAX_LINES: usize = 500;
const LONGER: &[(&str, &str)] = &[
    (
        "host/phasebox/src/plugin/tensor.rs",
        "one short function for each operation of the contract",
    ),
    (
        "host/phasebox/src/plugin/context.rs",
        "one getter for each attribute of the contract",
    ),
];

fn rust() -> impl Iterator<Item = Source> {
    ["host", "plugins", "tests"]
        .into_iter()
        .flat_map(|folder| sources(folder, ".rs"))
}

#[test]
fn files_are_short_or_say_why_not() {
    let may = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let long = |source: &Source| source.text.lines().count() > MAX_LINES;
    let broken: Vec<String> = rust()
        .filter(|source| long(source) != may(&source.path))
        .map(|source| source.path)
        .collect();
    check(
        "files over 500 lines that are not in LONGER, or no longer are",
        broken,
    );
}

#[test]
fn modules_say_what_they_own() {
    // What a test takes in with `include!` can only say it in plain comments.
    let says = |source: &Source| {
        source.text.starts_with("//!")
            || source.path.starts_with("tests/") && source.text.starts_with("// ")
    };
    let broken = rust()
        .filter(|source| !says(source))
        .map(|source| source.path)
        .collect();
    check("files that do not open with //!", broken);
}

/// Methods of tch's `Tensor` that end the process where their `f_` twin gives an error, of those whose name no other
/// type in plugin/ has.
const PANICKING: &[&str] = &[
    "matmul",
    "mul",
    "div",
    "sub",
    "add",
    "mean",
    "std",
    "softmax",
    "log_softmax",
    "argmax",
    "to_kind",
    "to_device",
    "to_dtype",
    "reshape",
    "detach",
    "copy",
    "fill_",
    "zero_",
    "lerp",
    "backward",
    "select",
    "narrow",
    "transpose",
    "permute",
    "flatten",
    "squeeze",
    "unsqueeze",
    "expand_as",
    "index_select",
    "where_self",
    "pow",
    "exp",
    "relu",
    "tanh",
    "sigmoid",
    "clamp",
    "amax",
    "amin",
    "quantile",
    "double_value",
    "int64_value",
    "copy_data",
    "add_scalar",
    "mul_scalar",
    "div_scalar",
];

#[test]
fn guests_reach_only_fallible_operations() {
    let panics = |line: &str| {
        let made = line.split("Tensor::").skip(1).any(|rest| {
            let fallible = rest.starts_with("f_") || rest.starts_with("shallow_clone");
            rest.starts_with(char::is_lowercase) && !fallible
        });
        made || PANICKING
            .iter()
            .any(|name| line.contains(&format!(".{name}(")))
    };
    let host_side = sources("host/phasebox/src/plugin", ".rs");
    check(
        "libtorch calls that panic: use the f_ form",
        host_side
            .iter()
            .flat_map(|source| source.places(panics))
            .collect(),
    );
}

#[test]
fn the_environment_decides_nothing() {
    const READS_IT: &[&str] = &["host/phasebox/src/assemble/plugins.rs"];
    let run_time = ["host/phasebox/src", "host/torch-ext/src"]
        .into_iter()
        .flat_map(|folder| sources(folder, ".rs"));
    let others = run_time.filter(|source| !READS_IT.contains(&source.path.as_str()));
    let broken = others
        .flat_map(|source| source.places(|line| line.contains("env::var")))
        .collect();
    check(
        "environment variables are read in assemble/plugins.rs alone, for the cache folder",
        broken,
    );
}

/// In two halves, or this file would break its own rules.
const STRANGERS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[ig", "nore"),
];

#[test]
fn texts_name_no_machine_and_nothing_unfinished() {
    let broken = |source: &Source| -> Vec<String> {
        let strange = |line: &str| {
            STRANGERS.iter().any(|text| line.contains(text))
                || UNFINISHED.iter().any(|text| has_word(line, text))
        };
        let lines = source
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| strange(line));
        lines
            .map(|(index, line)| format!("{}:{}: {}", source.path, index + 1, line.trim()))
            .collect()
    };
    check(
        "hosts of registries, paths of a machine, unfinished work",
        sources("", "").iter().flat_map(broken).collect(),
    );
}
