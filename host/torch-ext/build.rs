//! Compiles the C++ shim against the headers of the libtorch that torch-sys links, and hands the folder of its
//! libraries on: dependents read it as `DEP_TORCH_EXT_LIBTORCH_LIB` to set their run path.

use std::env;
use std::path::PathBuf;

fn main() {
    let sources = ["src/shim.cpp", "src/script.cpp"];
    sources.iter().for_each(|source| println!("cargo::rerun-if-changed={source}"));
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    // torch-sys names its libtorch to direct dependents, so the two crates can never disagree.
    let libraries = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names its libtorch"));
    let root = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| libraries.join(".."), PathBuf::from);
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .pic(true)
        .warnings(false)
        // Without optimization the inlined dispatch of every operator costs more than the operator.
        .opt_level(2)
        .debug(false)
        .include(root.join("include"))
        .files(sources)
        .compile("torch_ext_shim");
    println!("cargo::rustc-link-search=native={}", libraries.display());
    println!("cargo::rustc-link-lib=torch_cpu");
    println!("cargo::rustc-link-lib=c10");
    // The run path names where the libraries really lie, not a link to them: they find their own dependencies
    // relative to that.
    let real = libraries.join("libtorch_cpu.so").canonicalize().expect("libtorch_cpu.so is in $LIBTORCH/lib");
    let folder = real.parent().unwrap_or(&libraries);
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    println!("cargo::metadata=libtorch_lib={}", folder.display());
}
