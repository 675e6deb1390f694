//! The languages: `plugins/sdk/toolchains.json`, read. Each entry says which files a project gets, how its source names
//! phases, and which commands make a component of it. `plugins/sdk/build.md` explains the keys.
//!
//! **To add a language**: its folder and its entry there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use phasebox_contract::suggest;
use serde::Deserialize;

use crate::embedded::SDKS;
use crate::own_tool::OwnTool;

/// The table's file.
const FILE: &str = "toolchains.json";
/// Other spellings of languages.
const ALIASES: [(&str, &str); 6] = [
    ("c++", "cpp"),
    ("js", "javascript"),
    ("ts", "typescript"),
    ("py", "python"),
    ("as", "assemblyscript"),
    ("golang", "go"),
];

/// The table of tools and languages.
#[derive(Debug, Deserialize)]
pub(crate) struct Toolchains {
    pub(crate) tools: BTreeMap<String, Tool>,
    pub(crate) languages: BTreeMap<String, Language>,
}

/// A compiler, or a program that compilers run in.
#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    /// Name and version for pip.
    pub(crate) pip: Option<String>,
    /// Name and version for npm.
    pub(crate) npm: Option<String>,
    /// The versions that will do where the author has one on the PATH.
    pub(crate) own: Option<OwnTool>,
    /// The target that rustup adds.
    pub(crate) rustup: Option<String>,
    /// The size of the download.
    #[serde(default)]
    pub(crate) megabytes: u32,
    /// Its program, with first arguments.
    #[serde(default)]
    pub(crate) run: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// One language.
#[derive(Debug, Deserialize)]
pub(crate) struct Language {
    /// Files in `plugins/sdk` by their folder in a project; `contract` stands for the files of `wit/`.
    pub(crate) sdk: BTreeMap<String, Vec<String>>,
    /// The folder in `plugins/sdk` with the files of a new project.
    pub(crate) template: String,
    /// The file that the author writes.
    pub(crate) source: String,
    pub(crate) phases: Phases,
    /// A file with the phases of the world, for an SDK that compares them with the methods there are.
    pub(crate) called: Option<Called>,
    /// True if it is built against `wit/plugin.wit`.
    pub(crate) world: bool,
    /// Bindings to generate from the world.
    pub(crate) bindings: Option<Bindings>,
    pub(crate) tools: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// The remedy where a step fails.
    #[serde(default = "see_above")]
    pub(crate) remedy: String,
    /// The core module that the steps leave.
    pub(crate) core: Option<ByProfile<String>>,
    /// The component that the steps leave, where they leave one.
    pub(crate) component: Option<String>,
    /// The way from a core module to a component.
    pub(crate) then: Vec<Then>,
}

fn see_above() -> String {
    "see its message above".to_owned()
}

/// The place of phases in a source.
#[derive(Debug, Deserialize)]
pub(crate) struct Phases {
    /// Matches a function of a phase; its first group is the name.
    pub(crate) regex: String,
    /// Matches a comment, and a text in which what looks like a comment is none.
    pub(crate) apart: String,
}

/// A file that a build writes, with the phases at `{phases}`, and commas between them.
#[derive(Debug, Deserialize)]
pub(crate) struct Called {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// Generated bindings.
#[derive(Debug, Deserialize)]
pub(crate) struct Bindings {
    pub(crate) folder: String,
}

/// One program to run in the project's folder.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) tool: String,
    /// Its arguments; those of the profile take the place of `{flags}`.
    pub(crate) argv: Vec<String>,
    #[serde(flatten)]
    pub(crate) flags: ByProfile<Vec<String>>,
}

/// Something for each of the two profiles.
#[derive(Debug, Deserialize)]
pub(crate) struct ByProfile<T> {
    debug: T,
    release: T,
}

impl<T> ByProfile<T> {
    /// The value for a profile.
    pub(crate) fn of(&self, is_release: bool) -> &T {
        match is_release {
            true => &self.release,
            false => &self.debug,
        }
    }
}

/// A step from a core module to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    /// Writes the world into the module; its texts are UTF-8.
    #[serde(rename = "embed-utf8")]
    EmbedUtf8,
    /// Writes the world into the module; its texts are UTF-16.
    #[serde(rename = "embed-utf16")]
    EmbedUtf16,
    /// Answers WASI preview 1 where the module imports it: a part of [`Then::New`].
    AdaptPreview1IfImported,
    /// Makes the component.
    New,
}

static TABLE: LazyLock<Result<Toolchains, String>> =
    LazyLock::new(|| serde_json::from_str(text()).map_err(|error| format!("{FILE}: {error}")));

/// The text of the table: another text may build other bytes.
pub(crate) fn text() -> &'static str {
    let file = SDKS.iter().find(|(path, _)| *path == FILE);
    file.map_or("", |(_, text)| text)
}

/// The table of this program.
pub(crate) fn table() -> Result<&'static Toolchains> {
    TABLE.as_ref().map_err(|error| anyhow!("{error}"))
}

impl Toolchains {
    /// The language of that name, with its name in the table.
    ///
    /// # Errors
    /// An unknown one, with the known.
    pub(crate) fn language(&self, name: &str) -> Result<(&str, &Language)> {
        let folded = name.to_lowercase();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == folded);
        let folded = alias.map_or(folded.as_str(), |(_, full)| full);
        let found = self.languages.get_key_value(folded);
        let found = found.map(|(name, language)| (name.as_str(), language));
        found.ok_or_else(|| {
            if ["script", "rhai"].contains(&folded) {
                return anyhow!(
                    "a script needs no project: write `- Script: {{file: my.rhai}}` below `phase_callbacks` of a recipe"
                );
            }
            let known: Vec<&str> = self.languages.keys().map(String::as_str).collect();
            anyhow!("{}", suggest::unknown("language", name, &known))
        })
    }

    /// The tool of that name.
    ///
    /// # Errors
    /// A name that the table lacks.
    pub(crate) fn tool(&self, name: &str) -> Result<&Tool> {
        let found = self.tools.get(name);
        found.with_context(|| format!("{FILE} has no tool `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded;

    #[test]
    fn the_table_names_what_is_there() -> Result<()> {
        let table = table()?;
        for (name, language) in &table.languages {
            for tool in language
                .tools
                .iter()
                .chain(language.steps.iter().map(|step| &step.tool))
            {
                table.tool(tool)?;
            }
            let template: Vec<_> = embedded::below(&language.template).collect();
            assert!(
                template.iter().any(|(path, _)| *path == language.source),
                "{name}"
            );
            assert!(template.iter().any(|(path, _)| *path == "PHASE"), "{name}");
            regex::Regex::new(&language.phases.regex)?;
            assert!(
                language.core.is_some() != language.component.is_some(),
                "{name}"
            );
            for pattern in language.sdk.values().flatten() {
                assert!(!embedded::matching(pattern).is_empty(), "{name}: {pattern}");
            }
        }
        Ok(())
    }
}
