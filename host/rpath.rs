//! The build script of every crate whose tests or programs link to libtorch. It writes libtorch's folder into them, so that
//! they find it without LD_LIBRARY_PATH.

fn main() {
    println!("cargo::rerun-if-changed=../rpath.rs");
    if let Some(folder) = std::env::var_os("DEP_TORCH_EXT_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
