//! Builds the examples of tests/languages in C, Python and JavaScript, those that tests/contracts keeps with the
//! contract of an earlier day, and the probes of WASI. A component that was built once is taken from the user's cache, by new clones too, until
//! something that it is made of changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wit_bindgen_core::Files;
use wit_parser::Resolve;

use crate::atomic;
use crate::command::{run, say};
use crate::guest_tools::{Tool, node};
use crate::paths::{Paths, text};
use crate::plugins;
use crate::probes::PROBES;

pub(crate) const REMEDY: &str = "see the compiler's message above";

/// Sources with the contract they are built against. Each language has a folder of its name in `sources` and in `sdk`.
pub(crate) struct Tree {
    pub(crate) sources: PathBuf,
    pub(crate) sdk: PathBuf,
    /// The folder of the components, below that of the stock callbacks.
    components: &'static str,
    examples: &'static [Example],
}

impl Tree {
    /// The examples as they are, with the SDKs and the contract of today.
    fn today(paths: &Paths) -> Tree {
        Tree {
            sources: paths.clone.join("tests/languages"),
            sdk: paths.clone.join("plugins/sdk"),
            components: "languages",
            examples: &EXAMPLES,
        }
    }

    /// The examples as they were when the contract was made for batches of any kind, SDKs included.
    fn kept(paths: &Paths) -> Tree {
        Tree {
            sources: paths.clone.join("tests/contracts/0.1.0"),
            sdk: paths.clone.join("tests/contracts/0.1.0/sdk"),
            components: "contracts/0.1.0",
            examples: &EXAMPLES,
        }
    }

    /// The probes of WASI, which have no SDK.
    fn probes(paths: &Paths) -> Tree {
        Tree {
            sources: paths.clone.join("tests/wasi"),
            sdk: paths.clone.join("tests/wasi/sdk"),
            components: "wasi",
            examples: &PROBES,
        }
    }

    /// The folder of the examples' own world, with the contract below `deps`.
    pub(crate) fn wit(&self) -> PathBuf {
        self.sources.join("wit")
    }
}

/// One example: `language` names its folder in a tree.
pub(crate) struct Example {
    pub(crate) language: &'static str,
    pub(crate) component: &'static str,
    pub(crate) tool: Tool,
    pub(crate) compile: fn(&Paths, &Tree, tool: &Path, output: &Path) -> Result<()>,
}

const EXAMPLES: [Example; 3] = [
    Example {
        language: "c",
        component: "smooth-c.wasm",
        tool: Tool::Zig,
        compile: compile_c,
    },
    Example {
        language: "python",
        component: "smooth-python.wasm",
        tool: Tool::ComponentizePy,
        compile: compile_python,
    },
    Example {
        language: "javascript",
        component: "smooth-js.wasm",
        tool: Tool::ComponentizeJs,
        compile: compile_javascript,
    },
];

/// Builds all examples whose sources are there.
pub(crate) fn build(paths: &Paths) -> Result<()> {
    for tree in [Tree::today(paths), Tree::kept(paths), Tree::probes(paths)] {
        for example in tree
            .examples
            .iter()
            .filter(|example| tree.sources.join(example.language).is_dir())
        {
            example
                .build(paths, &tree)
                .with_context(|| format!("building the {} example", example.language))?;
        }
    }
    Ok(())
}

/// Installs the compilers of all languages, for work without a network.
pub(crate) fn install_tools(paths: &Paths) -> Result<()> {
    EXAMPLES
        .iter()
        .chain(&PROBES)
        .try_for_each(|example| example.tool.install(paths).map(drop))
}

impl Example {
    fn build(&self, paths: &Paths, tree: &Tree) -> Result<()> {
        let digest = self.digest(tree)?;
        let folder = paths.components().join(tree.components);
        let component = folder.join(self.component);
        let stamp = component.with_extension("digest");
        if component.exists() && fs::read_to_string(&stamp).is_ok_and(|old| old == digest) {
            return Ok(());
        }
        let cached = paths
            .cache
            .join("guests")
            .join(&digest)
            .with_extension("wasm");
        if !cached.exists() {
            self.compile_into(paths, tree, &cached)?;
        }
        atomic::write_if_changed(&component, &fs::read(&cached)?)?;
        atomic::write_if_changed(&stamp, digest.as_bytes())?;
        Ok(())
    }

    fn compile_into(&self, paths: &Paths, tree: &Tree, cached: &Path) -> Result<()> {
        let tool = self.tool.install(paths)?;
        let _alone = atomic::lock(cached)?;
        if cached.exists() {
            return Ok(());
        }
        say(&format!("building the {} example", self.language));
        let part = atomic::unfinished(cached);
        (self.compile)(paths, tree, &tool, &part)?;
        atomic::publish(&part, cached)
    }

    /// The digest of everything that the component is made of: sources, SDK, contract, compiler, and the commands of this
    /// file.
    fn digest(&self, tree: &Tree) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(self.tool.pin());
        hash.update(include_str!("languages.rs"));
        hash.update(include_str!("probes.rs"));
        for folder in [
            tree.sources.join(self.language),
            tree.sdk.join(self.language),
            tree.wit(),
        ] {
            hash_folder(&folder, &mut hash)?;
        }
        Ok(hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

/// Hashes names, lengths and bytes of all files below `folder`, in the order of their names. A folder that is not there
/// counts as empty.
fn hash_folder(folder: &Path, hash: &mut Sha256) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| !path.ends_with("__pycache__"));
    paths.sort();
    for path in paths {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        if path.is_dir() {
            hash_folder(&path, hash)?;
        } else {
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
    Ok(())
}

fn compile_c(paths: &Paths, tree: &Tree, zig: &Path, output: &Path) -> Result<()> {
    let bindings = output.with_extension("bindings");
    generate_c(&tree.wit(), "plugin", &bindings)?;
    let core = bindings.join("core.wasm");
    let mut clang = clang(paths, zig);
    clang.args(["-Os", "-s"]);
    clang
        .arg("-I")
        .arg(&bindings)
        .arg("-I")
        .arg(tree.sdk.join("c"))
        .arg(tree.sources.join("c/plugin.c"));
    clang
        .args(["plugin.c", "plugin_component_type.o"].map(|file| bindings.join(file)))
        .arg("-o")
        .arg(&core);
    run(&mut clang, REMEDY)?;
    let component =
        plugins::encode(&fs::read(&core)?).context("the C example does not fit its world")?;
    atomic::write_if_changed(output, &component)?;
    atomic::remove(&bindings)
}

/// clang for a module that others start. The target is wasm32-wasi for its C library; what calls none of WASI imports none.
pub(crate) fn clang(paths: &Paths, zig: &Path) -> Command {
    let mut clang = Command::new("python3");
    clang.env("PYTHONPATH", zig).env(
        "ZIG_GLOBAL_CACHE_DIR",
        paths.cache.join("guest-tools/zig-cache"),
    );
    clang.args([
        "-m",
        "ziglang",
        "cc",
        "-target",
        "wasm32-wasi",
        "-mexec-model=reactor",
    ]);
    clang
}

/// Writes a header, a source and an object file that holds the world, all named by the world.
pub(crate) fn generate_c(wit: &Path, world: &str, into: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut generated = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut generated)?;
    for (name, bytes) in generated.iter() {
        atomic::write_if_changed(&into.join(name), bytes)?;
    }
    Ok(())
}

fn compile_python(_: &Paths, tree: &Tree, componentize: &Path, output: &Path) -> Result<()> {
    let mut python = componentize_py(componentize);
    // -s: without WASI. Code that would need it traps.
    python.args([
        "-d",
        text(&tree.wit())?,
        "-w",
        "plugin",
        "componentize",
        "-s",
        "plugin_app",
    ]);
    python.args([
        "-p",
        text(&tree.sources.join("python"))?,
        "-p",
        text(&tree.sdk.join("python"))?,
    ]);
    run(python.args(["-o", text(output)?]), REMEDY)
}

/// componentize-py, for its arguments.
pub(crate) fn componentize_py(installed: &Path) -> Command {
    let mut python = Command::new("python3");
    python
        .env("PYTHONPATH", installed)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python.args(["-c", "import componentize_py; componentize_py.script()"]);
    python
}

fn compile_javascript(
    paths: &Paths,
    tree: &Tree,
    componentize: &Path,
    output: &Path,
) -> Result<()> {
    let mut node = node(paths)?;
    node.current_dir(&paths.clone)
        .arg(tree.sources.join("javascript/build.mjs"))
        .arg(componentize.join("node_modules"))
        .args([tree.sources.as_path(), output]);
    run(&mut node, REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_names_and_contents() -> Result<()> {
        let folder =
            std::env::temp_dir().join(format!("phasebox-xtask-digest-{}", std::process::id()));
        let digest = |name: &str, text: &str| -> Result<Vec<u8>> {
            atomic::remove(&folder)?;
            atomic::write_if_changed(&folder.join("deps").join(name), text.as_bytes())?;
            let mut hash = Sha256::new();
            hash_folder(&folder, &mut hash)?;
            Ok(hash.finalize().to_vec())
        };
        let first = digest("plugin.c", "int x;")?;
        assert_eq!(digest("plugin.c", "int x;")?, first);
        assert_ne!(digest("plugin.c", "int y;")?, first);
        assert_ne!(digest("plugin.h", "int x;")?, first);
        atomic::remove(&folder)
    }
}
