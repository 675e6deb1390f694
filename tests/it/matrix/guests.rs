//! The guests of the matrix: components that are kept in `tests/fixtures/guests`, unpacked once, and fresh builds of
//! `tests/matrix`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use phasebox_contract::digest::Digest;
use serde_json::Value;

use crate::harness::{Scratch, is_long, repository};

const KEPT: &str = "tests/fixtures/guests/0.1.x";

/// A language of the matrix.
pub(super) struct Language {
    /// The name that `phasebox new` knows.
    pub(super) name: &'static str,
    /// The name for people.
    pub(super) title: &'static str,
    /// The source, in a project.
    source: &'static str,
    /// The file that failures name.
    shown: &'static str,
}

const fn language(
    name: &'static str,
    title: &'static str,
    source: &'static str,
    shown: &'static str,
) -> Language {
    Language {
        name,
        title,
        source,
        shown,
    }
}

pub(super) const LANGUAGES: [Language; 9] = [
    language("rust", "Rust", "src/lib.rs", "src/lib.rs"),
    language("c", "C", "plugin.c", "plugin.c"),
    language("cpp", "C++", "plugin.cpp", "plugin.cpp"),
    language("zig", "Zig", "plugin.zig", "plugin.zig"),
    language("go", "Go", "plugin.go", "plugin.go"),
    language("python", "Python", "app.py", "app.py"),
    language("javascript", "JavaScript", "plugin.js", "plugin.js"),
    // Types are taken out before the engine sees a file.
    language("typescript", "TypeScript", "plugin.ts", "plugin.js"),
    language("assemblyscript", "AssemblyScript", "plugin.ts", "plugin.ts"),
];

/// A component, and where it breaks on purpose.
pub(super) struct Guest {
    pub(super) language: &'static str,
    pub(super) component: PathBuf,
    pub(super) file: &'static str,
    pub(super) line: usize,
}

/// The guests that are kept, unpacked beside the tests.
pub(super) fn kept() -> Vec<Guest> {
    let text = fs::read(repository(KEPT).join("guests.json")).expect("the list of guests");
    let kept: Value = serde_json::from_slice(&text).expect("valid JSON");
    let mut before = Vec::new();
    let unpacked = LANGUAGES.iter().map(|language| {
        let kept = &kept[language.name];
        // Of the component, not of the file that holds it.
        let sha256 = kept["sha256"].as_str().expect("every language is kept");
        let line = kept["line"].as_u64().expect("the line that breaks");
        // JavaScript's engine is that of TypeScript, which is kept as what differs.
        let engine: &[u8] = match language.name {
            "typescript" => &before,
            _ => &[],
        };
        let bytes = unpacked(language.name, engine);
        assert_eq!(Digest::of(&bytes).to_string(), sha256, "{}", language.name);
        let component = placed(sha256, &bytes);
        before = bytes;
        language.guest(component, line as usize)
    });
    unpacked.collect()
}

/// The bytes of a component that is kept.
fn unpacked(language: &str, like: &[u8]) -> Vec<u8> {
    let path = repository(KEPT).join(language).with_extension("wasm.zst");
    let packed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder =
        zstd::Decoder::with_dictionary(packed.as_slice(), like).expect("it was packed by zstd");
    decoder.window_log_max(27).expect("a window of 128 MiB");
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).expect("it is whole");
    bytes
}

/// A file with these bytes that stays: its digest and its compiled code are known the next time.
fn placed(sha256: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    fs::create_dir_all(&folder).expect("a folder beside the tests");
    let path = folder.join(sha256).with_extension("wasm");
    if fs::read(&path).ok().as_deref() != Some(bytes) {
        let part = folder.join(format!("{sha256}.{}", std::process::id()));
        fs::write(&part, bytes).expect("it is written");
        fs::rename(part, &path).expect("it is placed");
    }
    path
}

/// The guests as the compilers of this machine make them; none where tests that take minutes are not asked for, but C.
pub(super) fn fresh() -> Vec<Guest> {
    built_with(&[])
}

/// Such guests as they are given to others.
pub(super) fn released() -> Vec<Guest> {
    built_with(&["--release"])
}

fn built_with(options: &[&str]) -> Vec<Guest> {
    let asked = LANGUAGES
        .iter()
        .filter(|language| is_long() || language.name == "c");
    asked.map(|language| built(language, options)).collect()
}

fn built(language: &'static Language, options: &[&str]) -> Guest {
    let scratch = Scratch::new();
    let source = repository("tests/matrix").join(language.name);
    let source = source.join(Path::new(language.source).file_name().expect("a file"));
    let text = fs::read_to_string(source).expect("it has a source");
    let line = text
        .lines()
        .position(|line| line.ends_with("// the panic") || line.ends_with("/* the panic */"));
    let line = line.or_else(|| text.lines().position(|line| line.ends_with("# the panic")));
    crate::author::done(&scratch, &["new", "matrix", "--lang", language.name]);
    scratch.write(&format!("matrix/{}", language.source), &text);
    crate::author::done(
        &scratch,
        &[&["build", "matrix", "--install"], options].concat(),
    );
    let bytes = fs::read(scratch.path("matrix/build/matrix.wasm")).expect("it is built");
    let component = placed(&Digest::of(&bytes).to_string(), &bytes);
    language.guest(component, line.expect("a line that breaks") + 1)
}

impl Language {
    fn guest(&'static self, component: PathBuf, line: usize) -> Guest {
        Guest {
            language: self.name,
            component,
            file: self.shown,
            line,
        }
    }
}
