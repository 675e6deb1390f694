//! Compiles the C++ shim against the headers of the libtorch that torch-sys links, and hands the folder of its
//! libraries on: dependents read it as `DEP_TORCH_EXT_LIBTORCH_LIB` to set their run path. What needs CUDA's headers
//! becomes a shared library that the crate takes in as bytes; without the headers those are none.

use std::env;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 5] = [
    "src/shim.cpp",
    "src/arithmetic.cpp",
    "src/lists.cpp",
    "src/script.cpp",
    "src/tape.cpp",
];
const CUDA_SOURCE: &str = "src/cuda.cpp";
const HEADER: &str = "src/guarded.h";

fn main() {
    SOURCES
        .iter()
        .chain([&CUDA_SOURCE, &HEADER])
        .for_each(|file| println!("cargo::rerun-if-changed={file}"));
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    // torch-sys names its libtorch to direct dependents, so the two crates can never disagree.
    let libraries =
        PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names its libtorch"));
    let root = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| libraries.join(".."), PathBuf::from);
    // The run path names where the libraries really lie, not a link to them: they find their own dependencies
    // relative to that.
    let real = libraries
        .join("libtorch_cpu.so")
        .canonicalize()
        .expect("libtorch_cpu.so is in $LIBTORCH/lib");
    let folder = real.parent().unwrap_or(&libraries);
    compiler(&root).files(SOURCES).compile("torch_ext_shim");
    cuda_library(&root, folder);
    println!("cargo::rustc-link-search=native={}", libraries.display());
    println!("cargo::rustc-link-lib=torch_cpu");
    println!("cargo::rustc-link-lib=c10");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    println!("cargo::metadata=libtorch_lib={}", folder.display());
}

fn compiler(root: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .pic(true)
        .warnings(false)
        .include(root.join("include"));
    // Without optimization the inlined dispatch of every operator costs more than the operator.
    build.opt_level(2).debug(false);
    build
}

/// CUDA's own headers come with its wheels, beside torch's; or with a toolkit.
fn cuda_library(root: &Path, libraries: &Path) {
    let library =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("libtorch_ext_cuda.so");
    let places = [
        libraries.join("../../nvidia/cu13/include"),
        PathBuf::from("/usr/local/cuda/include"),
    ];
    match places
        .iter()
        .find(|place| place.join("cuda_runtime_api.h").exists())
    {
        Some(headers) => {
            let mut command = compiler(root).include(headers).get_compiler().to_command();
            // Symbols of libtorch_cuda and libc10_cuda stay undefined: see the source.
            command.args(["-shared", CUDA_SOURCE, "-o"]).arg(&library);
            let status = command.status().expect("the C++ compiler starts");
            assert!(
                status.success(),
                "{CUDA_SOURCE} does not compile: {command:?}"
            );
        }
        None => std::fs::write(&library, []).expect("OUT_DIR can be written"),
    }
    println!(
        "cargo::rustc-env=TORCH_EXT_CUDA_LIBRARY={}",
        library.display()
    );
    println!(
        "cargo::rustc-env=TORCH_EXT_LIBTORCH={}",
        libraries.display()
    );
}
