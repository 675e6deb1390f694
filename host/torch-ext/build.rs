//! Compiles the C++ of this crate against the headers of the libtorch that torch-sys links, and hands the folder of
//! libtorch's libraries on: dependents read it as `DEP_TORCH_EXT_LIBTORCH_LIB` to set their run path.
//!
//! cuda.cpp, which needs CUDA's headers, becomes a shared library that the crate includes as bytes. Without these
//! headers it includes none.

use std::env;
use std::path::{Path, PathBuf};

/// The C++ files, each named as the Rust file that calls it. cargo runs this again when the list changes, so that a new
/// file is not missed.
const SOURCES: [&str; 18] = [
    "src/arithmetic.cpp",
    "src/autocast.cpp",
    "src/deferred.cpp",
    "src/dynamic_library.cpp",
    "src/foreach.cpp",
    "src/freed_memory.cpp",
    "src/fused.cpp",
    "src/gradient_mode.cpp",
    "src/library.cpp",
    "src/list.cpp",
    "src/norms.cpp",
    "src/rng.cpp",
    "src/script.cpp",
    "src/shape.cpp",
    "src/storage.cpp",
    "src/tape.cpp",
    "src/thread.cpp",
    "src/transfer.cpp",
];
const CUDA_SOURCE: &str = "src/cuda.cpp";
/// Compiled into both libraries.
const ERROR_SOURCE: &str = "src/torch_error.cpp";
const HEADERS: [&str; 4] = [
    "src/device.h",
    "src/no_grad.h",
    "src/short_list.h",
    "src/torch_error.h",
];

fn main() {
    watch_sources();
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let libraries = libtorch_libraries();
    let root = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| libraries.join(".."), PathBuf::from);
    let folder = real_folder(&libraries);
    compile_static_library(&root);
    compile_cuda_library(&root, &folder);
    println!("cargo::rustc-link-search=native={}", libraries.display());
    println!("cargo::rustc-link-lib=torch_cpu");
    println!("cargo::rustc-link-lib=c10");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    println!("cargo::metadata=libtorch_lib={}", folder.display());
}

/// The libraries that torch-sys links: it names them to its direct dependents, so that the two crates cannot disagree.
fn libtorch_libraries() -> PathBuf {
    PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names its libtorch"))
}

/// The folder where the libraries lie, not the one of links to them: they find their own dependencies relative to it.
fn real_folder(libraries: &Path) -> PathBuf {
    let library = libraries.join("libtorch_cpu.so").canonicalize();
    let library = library.expect("libtorch_cpu.so is in $LIBTORCH/lib");
    library.parent().unwrap_or(libraries).to_owned()
}

/// Not the folder: a changed Rust file beside them must not compile them all again.
fn watch_sources() {
    let files = SOURCES.iter().chain(&HEADERS);
    for file in files.chain([&CUDA_SOURCE, &ERROR_SOURCE]) {
        println!("cargo::rerun-if-changed={file}");
    }
}

fn compiler(root: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").pic(true).warnings(false);
    build.include(root.join("include"));
    // Without optimization the inlined dispatch of every operator costs more than the operator.
    build.opt_level(2).debug(false);
    build
}

fn compile_static_library(root: &Path) {
    let mut build = compiler(root);
    build.files(SOURCES).file(ERROR_SOURCE);
    build.compile("torch_ext_cpp");
}

fn compile_cuda_library(root: &Path, libraries: &Path) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let library = out.join("libtorch_ext_cuda.so");
    match cuda_headers(libraries) {
        Some(headers) => {
            let mut command = compiler(root).include(headers).get_compiler().to_command();
            // Symbols of libtorch_cuda and libc10_cuda stay undefined: see cuda.cpp.
            command.args(["-shared", CUDA_SOURCE, ERROR_SOURCE]);
            let status = command.arg("-o").arg(&library).status();
            let status = status.expect("the C++ compiler starts");
            assert!(status.success(), "cuda.cpp does not compile: {command:?}");
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

/// CUDA's own headers come with its wheels, which lie beside torch's, or with a toolkit.
fn cuda_headers(libraries: &Path) -> Option<PathBuf> {
    let folders = [
        libraries.join("../../nvidia/cu13/include"),
        PathBuf::from("/usr/local/cuda/include"),
    ];
    folders
        .into_iter()
        .find(|folder| folder.join("cuda_runtime_api.h").exists())
}
