//! The crates of the host: which may know which, and where the dangerous parts are.

use std::fs;

use super::code::{has_word, is_of_word};
use super::{Source, all_sources, check, host_crates, host_sources, manifest, sources};

/// The layers, lowest first: a crate and the others of this repository that it may depend on. A crate that needs one
/// more says why in the change, or finds that the code belongs elsewhere.
const LAYERS: &[(&str, &str)] = &[
    ("contract", ""),
    ("files", "contract"),
    ("torch-ext", ""),
    ("recipe", "contract files"),
    ("registry", "contract files"),
    ("component", "contract files"),
    ("author", "component contract files"),
    ("data", "contract files torch-ext"),
    ("nn", "contract files torch-ext"),
    ("train", "contract data files nn torch-ext"),
    ("plugin", "component contract data files nn train torch-ext"),
    (
        "phasebox",
        "author component contract data files nn plugin recipe registry train torch-ext",
    ),
    (
        "fuzz",
        "author component contract data files phasebox plugin recipe registry train torch-ext",
    ),
    ("xtask", ""),
];

/// Crates that do without libtorch: they are quick to build, and tools can use them alone.
const WITHOUT_TORCH: [&str; 7] = [
    "contract",
    "files",
    "recipe",
    "component",
    "author",
    "registry",
    "xtask",
];
/// Crates that know the WebAssembly engine.
const WITH_WASMTIME: [&str; 2] = ["component", "plugin"];

/// The names of the packages that a crate is built with; those of its tests and build script are not among them.
fn dependencies(host_crate: &str) -> Vec<String> {
    let text = fs::read_to_string(manifest(host_crate)).expect("a crate has its manifest");
    let section = text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let entries = lines.filter(|line| line.contains('=') && !line.starts_with('#'));
    entries
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

/// A package of this repository by the name of its folder.
fn folder(package: &str) -> Option<&str> {
    match package {
        "phasebox" | "torch-ext" => Some(package),
        other => other.strip_prefix("phasebox-"),
    }
}

#[test]
fn every_crate_has_its_layer() {
    let mut layers: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    layers.sort_unstable();
    assert_eq!(layers, host_crates());
}

#[test]
fn crates_know_only_the_layers_below() {
    let mut broken = Vec::new();
    for (position, (name, allowed)) in LAYERS.iter().enumerate() {
        let below = &LAYERS[..position];
        let is_below = |other: &str| below.iter().any(|(name, _)| *name == other);
        for package in dependencies(name) {
            let Some(other) = folder(&package) else {
                continue;
            };
            if !allowed.split(' ').any(|allowed| allowed == other) {
                broken.push(format!("host/{name} depends on {package}"));
            }
        }
        let above = allowed.split_whitespace().filter(|other| !is_below(other));
        broken.extend(above.map(|other| format!("LAYERS has {other} not below {name}")));
    }
    check("a dependency that LAYERS does not allow", broken);
}

#[test]
fn layers_allow_only_what_is_used() {
    let mut unused = Vec::new();
    for (name, allowed) in LAYERS {
        let used = dependencies(name);
        let used: Vec<&str> = used.iter().filter_map(|package| folder(package)).collect();
        let spare = allowed
            .split_whitespace()
            .filter(|other| !used.contains(other));
        unused.extend(spare.map(|other| format!("{name}: {other}")));
    }
    check("LAYERS allows what nobody needs", unused);
}

#[test]
fn libtorch_and_wasmtime_stay_in_their_crates() {
    let mut broken = Vec::new();
    for name in host_crates() {
        let packages = dependencies(&name);
        let has = |package: &str| packages.iter().any(|other| other == package);
        let has_torch = has("tch") || has("torch-sys") || has("torch-ext");
        if has_torch && WITHOUT_TORCH.contains(&name.as_str()) {
            broken.push(format!("host/{name} depends on libtorch"));
        }
        if has("wasmtime") && !WITH_WASMTIME.contains(&name.as_str()) {
            broken.push(format!("host/{name} depends on wasmtime"));
        }
    }
    check("a dependency that belongs into other crates", broken);
}

/// The files of the crate `recipe`, in the order in which they build on each other.
const RECIPE_FILES: [&str; 40] = [
    "location",
    "node",
    "document",
    "merge",
    "schema",
    "python_text",
    "resolvers",
    "builtin",
    "defaults",
    "text_file",
    "overrides",
    "interpolate",
    "compose",
    "variants",
    "homes",
    "deserialize",
    "section_reader",
    "said",
    "variables",
    "targets",
    "inert",
    "parameters",
    "layout",
    "checkpoints",
    "logger",
    "schedulers",
    "missing",
    "processes",
    "shortcuts",
    "warm_up",
    "yolox",
    "multi_scale",
    "mod",
    "callbacks",
    "callback_labels",
    "callback_forms",
    "callback_order",
    "training",
    "absolute_paths",
    "policy",
];

#[test]
fn files_of_recipe_know_only_files_before_them() {
    let mut broken = Vec::new();
    for source in host_sources("recipe") {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".rs");
        let position = RECIPE_FILES.iter().position(|file| *file == name);
        let Some(position) = position.filter(|_| !source.is_test()) else {
            continue;
        };
        let later = &RECIPE_FILES[position + 1..];
        broken.extend(source.places(|line| {
            let names_others = line.contains("super::") || line.contains("crate::");
            names_others && later.iter().any(|file| has_word(line, file))
        }));
    }
    check("a file that names one after it in RECIPE_FILES", broken);
}

#[test]
fn the_order_of_recipe_has_all_files() {
    let mut written = RECIPE_FILES.to_vec();
    written.push("lib");
    written.sort_unstable();
    let sources = host_sources("recipe");
    let paths = sources.iter().filter(|source| !source.is_test());
    let names = paths.filter_map(|source| source.path.rsplit('/').next());
    let mut there: Vec<&str> = names.map(|name| name.trim_end_matches(".rs")).collect();
    there.sort_unstable();
    assert_eq!(written, there);
}

/// The door itself, and a reader of the kernel's own files.
const OPENS_FILES: [&str; 2] = ["host/files/src/", "host/train/src/interrupt.rs"];
/// Crates whose files are the developer's own.
const DEVELOPERS: [&str; 2] = ["fuzz", "xtask"];

#[test]
fn files_of_others_are_opened_by_one_door() {
    let mut broken = Vec::new();
    for name in host_crates() {
        if DEVELOPERS.contains(&name.as_str()) {
            continue;
        }
        for source in host_sources(&name) {
            let is_door = OPENS_FILES.iter().any(|path| source.path.starts_with(path));
            if !is_door && !source.is_test() {
                broken.extend(source.places(opens_a_file));
            }
        }
    }
    check(
        "a file is opened beside `phasebox_files::regular_file`",
        broken,
    );
}

fn opens_a_file(line: &str) -> bool {
    let calls = ["File::open(", "fs::read(", "fs::read_to_string("];
    let is_call = |(at, _): (usize, &str)| !line[..at].ends_with(is_of_word);
    calls
        .iter()
        .any(|call| line.match_indices(call).any(is_call))
}

/// The doors to the reader, which take no text but [`Shown`](phasebox_contract::printable::Shown), and the answer of a
/// process of our own to its parent.
const WRITES_TO_THE_READER: [&str; 5] = [
    "host/author/src/say.rs",
    "host/phasebox/src/cli/print.rs",
    "host/phasebox/src/cli/messages.rs",
    "host/train/src/logger/progress.rs",
    "host/component/src/task.rs",
];

#[test]
fn texts_leave_by_the_doors() {
    let mut broken = Vec::new();
    for name in host_crates() {
        if DEVELOPERS.contains(&name.as_str()) {
            continue;
        }
        for source in host_sources(&name) {
            let is_door = WRITES_TO_THE_READER.contains(&source.path.as_str());
            if !is_door && !source.is_test() {
                broken.extend(source.places(writes_to_the_reader));
            }
        }
    }
    check("a text goes to the reader beside `print`", broken);
}

fn writes_to_the_reader(line: &str) -> bool {
    let code = line.trim_start();
    let ways = ["println!(", "print!(", "io::stdout(", "io::stderr("];
    !code.starts_with("//") && ways.iter().any(|way| code.contains(way))
}

/// The one file outside torch-ext with unsafe code: compiled code is mapped from the user's own cache.
const MAPS_CODE: &str = "host/component/src/compiled.rs";
const TORCH_EXT: &str = "host/torch-ext/";
/// Code of authors, built for the sandbox.
const SDK_OF_CPP: &str = "plugins/sdk/cpp/";
const GUEST_IN_CPP: &str = "tests/matrix/cpp/";

#[test]
fn unsafe_code_and_cpp_are_in_torch_ext() {
    let mut broken = Vec::new();
    for folder in ["host", "plugins", "tests"] {
        let rust = sources(folder, ".rs").into_iter();
        let others = rust.filter(|source| !may_be_unsafe(source));
        broken.extend(others.flat_map(|source| unsafe_places(&source)));
        let cpp = all_sources(folder, ".cpp").into_iter();
        let paths = cpp.map(|source| source.path);
        let allowed = [TORCH_EXT, SDK_OF_CPP, GUEST_IN_CPP];
        broken.extend(paths.filter(|path| !allowed.iter().any(|folder| path.starts_with(folder))));
    }
    check("unsafe code and C++ belong in host/torch-ext", broken);
}

fn may_be_unsafe(source: &Source) -> bool {
    source.path.starts_with(TORCH_EXT) || source.path == MAPS_CODE
}

fn unsafe_places(source: &Source) -> Vec<String> {
    source.places(|line| has_word(line, "unsafe"))
}

#[test]
fn compiled_code_is_mapped_in_one_place() {
    let mut sources = host_sources("component");
    sources.retain(|source| source.path == MAPS_CODE);
    let places: Vec<String> = sources.iter().flat_map(unsafe_places).collect();
    assert_eq!(places.len(), 1, "one unsafe block is needed: {places:#?}");
}
