//! Compiles the probes of tests/wasi as each toolchain does by default, with WASI: components of Python and JavaScript, and
//! modules of C and Go, which a test makes components of.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::atomic;
use crate::command::run;
use crate::guest_tools::{Tool, node};
use crate::languages::{Example, REMEDY, Tree, clang, componentize_py, generate_c};
use crate::paths::{Paths, text};

const WORLD: &str = "probe";

pub(crate) const PROBES: [Example; 4] = [
    Example {
        language: "python",
        component: "probe-python.wasm",
        tool: Tool::ComponentizePy,
        compile: compile_python,
    },
    Example {
        language: "javascript",
        component: "probe-js.wasm",
        tool: Tool::ComponentizeJs,
        compile: compile_javascript,
    },
    Example {
        language: "c",
        component: "probe-c.core.wasm",
        tool: Tool::Zig,
        compile: compile_c,
    },
    Example {
        language: "go",
        component: "probe-go.core.wasm",
        tool: Tool::Go,
        compile: compile_go,
    },
];

fn compile_python(_: &Paths, tree: &Tree, installed: &Path, output: &Path) -> Result<()> {
    let mut python = componentize_py(installed);
    python.args(["-d", text(&tree.wit())?, "-w", WORLD]);
    python.args(["componentize", "probe_app", "-p"]);
    python
        .arg(tree.sources.join("python"))
        .arg("-o")
        .arg(output);
    run(&mut python, REMEDY)
}

fn compile_javascript(paths: &Paths, tree: &Tree, installed: &Path, output: &Path) -> Result<()> {
    let mut node = node(paths)?;
    node.current_dir(&paths.clone)
        .arg(tree.sources.join("javascript/build.mjs"))
        .arg(installed.join("node_modules"))
        .args([tree.sources.as_path(), output]);
    run(&mut node, REMEDY)
}

fn compile_c(paths: &Paths, tree: &Tree, zig: &Path, output: &Path) -> Result<()> {
    let bindings = output.with_extension("bindings");
    generate_c(&tree.wit(), WORLD, &bindings)?;
    let mut clang = clang(paths, zig);
    clang.args(["-Os", "-UNDEBUG", "-I"]);
    clang.arg(&bindings).arg(tree.sources.join("c/probe.c"));
    clang
        .args(["probe.c", "probe_component_type.o"].map(|file| bindings.join(file)))
        .arg("-o")
        .arg(output);
    run(&mut clang, REMEDY)?;
    atomic::remove(&bindings)
}

fn compile_go(paths: &Paths, tree: &Tree, installed: &Path, output: &Path) -> Result<()> {
    let core = output.with_extension("core");
    let mut go = Command::new(installed.join("go/bin/go"));
    go.current_dir(tree.sources.join("go"));
    // Nothing of the user's own Go has a say, and nothing is fetched.
    for (name, value) in [
        ("GOOS", "wasip1"),
        ("GOARCH", "wasm"),
        ("GOPROXY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GO111MODULE", "off"),
        ("GOFLAGS", ""),
        ("GOENV", "off"),
    ] {
        go.env(name, value);
    }
    go.env("GOCACHE", paths.cache.join("guest-tools/go-cache"));
    go.args([
        "build",
        "-buildmode=c-shared",
        "-trimpath",
        "-ldflags=-s -w",
        "-o",
    ]);
    run(go.arg(&core).arg("probe.go"), REMEDY)?;
    let mut module = fs::read(&core)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(tree.wit())?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    atomic::write_if_changed(output, &module)?;
    atomic::remove(&core)
}
