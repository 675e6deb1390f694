//! The contract and the SDKs, as they are in this repository. Paths are those below `wit` and `plugins/sdk`.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A path and the text of that file.
pub(crate) type File = (&'static str, &'static str);

/// The files below a folder of the SDKs, by their paths below it.
pub(crate) fn below(folder: &str) -> impl Iterator<Item = File> {
    let prefix = format!("{folder}/");
    let files = SDKS.iter().copied();
    files.filter_map(move |(path, text)| Some((path.strip_prefix(&prefix)?, text)))
}

/// The files that a pattern names, by their paths below the language's folder: `c/phasebox.h`, `rust/src/**`, or `contract`.
pub(crate) fn matching(pattern: &str) -> Vec<File> {
    if pattern == "contract" {
        return CONTRACT.to_vec();
    }
    let named = SDKS
        .iter()
        .filter(|(path, _)| match pattern.strip_suffix("**") {
            Some(folder) => path.starts_with(folder),
            None => *path == pattern,
        });
    let below = named.filter_map(|(path, text)| Some((path.split_once('/')?.1, *text)));
    below
        .map(|(path, text)| (without_its_own_folder(pattern, path), text))
        .collect()
}

/// The Go package lies in a folder of its own, whose name a project keeps.
fn without_its_own_folder<'a>(pattern: &str, path: &'a str) -> &'a str {
    match pattern.starts_with("go/phasebox/") {
        true => path.strip_prefix("phasebox/").unwrap_or(path),
        false => path,
    }
}
