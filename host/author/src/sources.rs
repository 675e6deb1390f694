//! The files that a project is made of: their digest, and the phases that they have functions for. The source decides which
//! those are; its language says how it names them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use phasebox_contract::phase::Phase;
use phasebox_contract::printable::excerpt;
use phasebox_contract::suggest;
use phasebox_files::regular_file;
use regex::{Captures, Regex};
use sha2::{Digest as _, Sha256};

use crate::manifest::{FILE, Project};
use crate::names;
use crate::world::CHECK_RUN;

/// Folders of compilers, package managers, versions and trainings.
const LEFT_OUT: [&str; 7] = [
    "runs",
    "build",
    "target",
    "node_modules",
    "__pycache__",
    ".git",
    "zig-out",
];
/// The most files of a project.
const MOST_FILES: usize = 10_000;
/// The most bytes of one of them.
const MOST_BYTES: u64 = 16 << 20;

/// The digest of all files that a component can come from, their names among them. Of a large file only its size counts.
pub(crate) fn digest(project: &Project) -> Result<String> {
    let mut hash = Sha256::new();
    for path in files(&project.folder)? {
        let below = path.strip_prefix(&project.folder).unwrap_or(&path);
        if is_no_source(below) {
            continue;
        }
        let size = fs::metadata(&path)?.len();
        hash.update(below.as_os_str().as_encoded_bytes());
        hash.update(size.to_le_bytes());
        if size <= MOST_BYTES {
            hash.update(read(&path)?);
        }
    }
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// True for recipes and texts for people: a component is the same whatever they say.
fn is_no_source(below: &Path) -> bool {
    let kind = below.extension().and_then(|kind| kind.to_str());
    let is_text = kind.is_some_and(|kind| ["md", "yaml", "yml"].contains(&kind));
    is_text && below != Path::new(FILE)
}

/// The files with their times of change.
pub(crate) fn times(folder: &Path) -> Result<Vec<(PathBuf, Option<SystemTime>)>> {
    let timed = files(folder)?.into_iter().map(|path| {
        let time = path
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok();
        (path, time)
    });
    Ok(timed.collect())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let read = regular_file::read(path, MOST_BYTES);
    read.with_context(|| format!("cannot read {}", path.display()))
}

/// The files that decide what is built, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            let is_component = path.extension().is_some_and(|kind| kind == "wasm");
            match fs::symlink_metadata(&path)? {
                kind if kind.is_dir() && LEFT_OUT.iter().all(|left| name != *left) => {
                    folders.push(path);
                }
                kind if kind.is_file() && !is_component => found.push(path),
                _ => {}
            }
        }
        if found.len() + folders.len() > MOST_FILES {
            bail!("the project has more than {MOST_FILES} files: build it in a folder of its own");
        }
    }
    found.sort();
    Ok(found)
}

/// The phases that the project in a folder has functions for, and `check-run`.
///
/// # Errors
/// A folder that is no project, or a function that is named like a phase and is none.
pub fn phases_of(folder: &Path) -> Result<Vec<&'static str>> {
    functions(&Project::open(folder)?)
}

/// The functions that the sources have for the world: phases in the order of the loop, and `check-run`.
///
/// # Errors
/// A function that is named like a phase and is none: it would never be called.
pub(crate) fn functions(project: &Project) -> Result<Vec<&'static str>> {
    let texts = without_comments(&project.language.phases.apart, &texts(project)?)?;
    let named = Regex::new(&format!("(?m){}", project.language.phases.regex))?;
    let names = named.captures_iter(&texts).filter_map(|found| found.get(1));
    let mut found = Vec::new();
    for name in names.map(|name| names::kebab(name.as_str())) {
        match Phase::from_name(&name) {
            Some(phase) => found.push(phase),
            None => bail!(
                "{} has a function for `{}`, which is no phase: it would never be called{}",
                project.language.source,
                excerpt(&name),
                suggest::near(&name, &Phase::ALL.map(Phase::name))
            ),
        }
    }
    let phases = Phase::ALL.into_iter().filter(|phase| found.contains(phase));
    if found.is_empty() {
        bail!(
            "{} has no function for a phase, so that it would never be called: name one like a phase (`phasebox bindings \
             --lang LANGUAGE` has their names), and write it as the template does",
            project.language.source
        );
    }
    let checks_run = CHECKS_RUN.iter().any(|name| texts.contains(name));
    let check_run = checks_run.then_some(CHECK_RUN);
    Ok(check_run
        .into_iter()
        .chain(phases.map(Phase::name))
        .collect())
}

/// Beginnings of comments, and of Zig's texts of several lines.
const COMMENTS: [&str; 4] = ["//", "/*", "#", "\\\\"];

/// A source without its comments, and without texts of several lines: a phase in them is none. Lines stay where they are.
fn without_comments(apart: &str, text: &str) -> Result<String> {
    let apart = Regex::new(&format!("(?m){apart}"))?;
    let left = apart.replace_all(text, |found: &Captures<'_>| {
        let (matched, lines) = (&found[0], found[0].matches('\n').count());
        // A comment; what else is on one line may be beside a phase.
        let is_left_out = lines > 0 || COMMENTS.iter().any(|begin| matched.starts_with(begin));
        match is_left_out {
            true => "\n".repeat(lines),
            false => matched.to_owned(),
        }
    });
    Ok(left.into_owned())
}

/// The spellings of `check-run` where an author of some language writes it.
const CHECKS_RUN: [&str; 3] = ["fn check_run(", "def check_run(", ") CheckRun("];

/// The author's files in the language, one after the other.
fn texts(project: &Project) -> Result<String> {
    let extension = Path::new(&project.language.source).extension();
    let mut texts = String::new();
    for path in files(&project.folder)? {
        let below = path.strip_prefix(&project.folder).unwrap_or(&path);
        let mut given = project
            .language
            .sdk
            .keys()
            .map(String::as_str)
            .chain(["wit"]);
        let is_given = given.any(|folder| below.starts_with(folder));
        if !is_given && path.extension() == extension {
            texts.push_str(&String::from_utf8_lossy(&read(&path)?));
            texts.push('\n');
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::new;

    fn check(language: &str, more: &str, expected: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("p");
        let project = Project::new(&place, "p", language).expect("a project");
        new(&project, language, &["on-epoch-end".to_owned()]).expect("it is written");
        let source = place.join(&project.language.source);
        let text = fs::read_to_string(&source).expect("a source") + more;
        fs::write(source, text).expect("it is written");
        let found = functions(&project).map_err(|error| error.to_string());
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected,
            "{language}"
        );
    }

    #[test]
    fn the_source_of_every_template_names_its_phases() -> Result<()> {
        for language in crate::toolchains::table()?.languages.keys() {
            check(language, "", Ok(&["on-train-batch-end", "on-epoch-end"]));
        }
        Ok(())
    }

    /// Spellings of a method that formatters and people write.
    #[test]
    fn a_phase_is_found_however_it_is_written() {
        let found: &[&str] = &["on-train-batch-end", "on-epoch-end", "on-training-end"];
        for language in ["javascript", "typescript"] {
            for written in [
                "  onTrainingEnd(ctx) { // the last",
                "  onTrainingEnd(ctx) { return this.go(ctx) },",
                "  onTrainingEnd(ctx) { return this.go(ctx); },",
                "  onTrainingEnd: function (ctx) {",
                "  onTrainingEnd: (ctx) => {",
                "  onTrainingEnd(ctx)\n  {",
                "  onTrainingEnd(\n    ctx,\n  ) {",
                "  onTrainingEnd() {",
                "  'onTrainingEnd'(ctx) {",
                "  onTrainingEnd = (ctx) => {",
            ] {
                check(language, &format!("{written}\n"), Ok(found));
            }
            let called = "onTrainingEnd(ctx);\n  this.onTrainingEnd(ctx);\n";
            check(language, called, Ok(&found[..2]));
        }
        for (language, written) in [
            ("rust", "    pub(crate) fn on_training_end(&self) {\n"),
            ("cpp", "    auto on_training_end(Context) -> Result<> {\n"),
            ("zig", "    fn onTrainingEnd(self: *Self) !void {\n"),
            (
                "zig",
                "    pub inline  fn onTrainingEnd(self: *Self) !void {\n",
            ),
            ("c", "  static PHASEBOX_PHASE ( on_training_end ) {\n"),
            ("go", "func (p *P[int]) OnTrainingEnd (ctx *C) error {\n"),
            ("go", "func  (P) OnTrainingEnd(ctx *C) error {\n"),
            (
                "python",
                "    async  def  on_training_end(self, ctx):\n        pass\n",
            ),
            (
                "cpp",
                "    std::expected<void, Error> on_training_end(Context) {\n",
            ),
        ] {
            check(language, written, Ok(found));
        }
    }

    /// Comments of all kinds, and texts that look like comments.
    #[test]
    fn a_phase_in_a_comment_is_none() {
        let without: &[&str] = &["on-train-batch-end", "on-epoch-end"];
        let with: &[&str] = &["on-train-batch-end", "on-epoch-end", "on-training-end"];
        let js = "  onTrainingEnd(ctx) {\n  }\n";
        let cpp = "    Result<> on_training_end(const PhaseContext &) {\n";
        let go = "func (s *P) OnTrainingEnd(ctx *phasebox.PhaseContext) error {\n";
        let py = "    def on_training_end(self, ctx):\n        pass\n";
        let c = "PHASEBOX_PHASE(on_training_end) {\n";
        let zig = "    pub fn onTrainingEnd(self: *Self) !void {\n";
        let rust = "    fn on_training_end(&self) {\n";
        let script = "export function onTrainingEnd(ctx: PhaseContext): void {\n";
        for (language, before, phase, after, expected) in [
            ("javascript", "/*\n", js, "*/\n", without),
            ("typescript", "/* a\n * b */ /*\n", js, "*/\n", without),
            ("javascript", "const t = `\n", js, "`;\n", without),
            ("javascript", "const t = '/*';\n", js, "// */\n", with),
            (
                "javascript",
                "const t = \"it's /* \\\"\";\n",
                js,
                "/* it's */\n",
                with,
            ),
            ("javascript", "const r = /^\\/*/;\n", js, "/* */\n", with),
            (
                "javascript",
                "const r = s.replace(/[`/*]/g, '');\n",
                js,
                "const t = `*/`;\n",
                with,
            ),
            (
                "typescript",
                "  return /`/;\n",
                js,
                "  const n = a / b / c; // `\n",
                with,
            ),
            ("assemblyscript", "/*\n", script, "*/\n", without),
            ("assemblyscript", "// /*\n", script, "// */\n", with),
            ("cpp", "/*\n", cpp, "*/\n", without),
            ("cpp", "#if 0\n", cpp, "#endif\n", without),
            ("cpp", "#if 0\n#else\n", cpp, "#endif\n", with),
            ("cpp", "auto t = R\"x(/* )\" )x\";\n", cpp, "/* */\n", with),
            ("cpp", "  [[nodiscard]] virtual ", &cpp[4..], "", with),
            ("cpp", "auto t = R\"(\n", cpp, ")\";\n", without),
            (
                "cpp",
                "int n = 1'000'000; char c = '\"'; // \"\n",
                cpp,
                "char d = '/';\n",
                with,
            ),
            ("c", "/*\n", c, "*/\n", without),
            ("c", "  #  if 0 // later\n", c, "  # endif\n", without),
            ("c", "char *t = \"/*\";\n", c, "/* */\n", with),
            ("go", "/*\n", go, "*/\n", without),
            ("go", "const t = `\n", go, "`\n", without),
            ("go", "const r = '\"'\n", go, "const q = '`'\n", with),
            ("zig", "// \n", zig, "", with),
            ("zig", "const t =\n    \\\\ \"/*\n;\n", zig, "", with),
            ("python", "'''\n", py, "'''\n", without),
            ("python", "x = \"\"\"\n", py, "\"\"\"\n", without),
            ("python", "# '''\n", py, "# '''\n", with),
            ("python", "x = '\"\"\"'\n", py, "y = '\"\"\"'\n", with),
            ("rust", "/*\n", rust, "*/\n", without),
            (
                "rust",
                "const R: &str = r#\"/* \" \"#;\n",
                rust,
                "/* */\n",
                with,
            ),
            (
                "rust",
                "struct A<'a>(&'a str);\n",
                rust,
                "const B: char = '\"';\n",
                with,
            ),
        ] {
            check(language, &format!("{before}{phase}{after}"), Ok(expected));
        }
    }

    #[test]
    fn a_source_without_a_phase_is_refused() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let project = Project::new(&folder.path().join("p"), "p", "zig")?;
        new(&project, "zig", &[])?;
        let source = project.folder.join(&project.language.source);
        let text = fs::read_to_string(&source)?;
        fs::write(source, text.replace("pub fn on", "fn in"))?;
        let refusal = functions(&project).expect_err("refused").to_string();
        assert!(
            refusal.starts_with("plugin.zig has no function for a phase"),
            "{refusal}"
        );
        Ok(())
    }

    #[test]
    fn a_phase_that_is_none_is_refused() {
        let refusal = "app.py has a function for `on-epoch-ends`, which is no phase: it would never be called; \
                       did you mean `on-epoch-end`?";
        check(
            "python",
            "    def on_epoch_ends(self, ctx):\n        pass\n",
            Err(refusal),
        );
        let all: &[&str] = &["check-run", "on-train-batch-end", "on-epoch-end"];
        check(
            "python",
            "    def check_run(self, facts):\n        pass\n",
            Ok(all),
        );
    }
}
