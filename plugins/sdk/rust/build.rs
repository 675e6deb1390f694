//! Generates the bindings of the contract, with handles that are given back together. wit-bindgen drops each handle by
//! itself, which is two crossings; `src/handles.rs` collects those that end with the call anyway.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

const CONTRACT: &str = "../../../wit";

/// Resources whose handles end with the call unless they are kept.
const PASSING: [&str; 2] = ["Tensor", "TensorGroup"];

/// Pieces of the generated text, each of which is there once, and what stands in their place.
const CHANGES: [(&str, &str); 5] = [
    ("other => T::drop(other),", "other => T::end(other),"),
    (
        "unsafe fn drop(handle: u32);",
        "unsafe fn drop(handle: u32);
         /// Ends a handle that its owner no longer needs.
         #[inline]
         unsafe fn end(handle: u32) { unsafe { Self::drop(handle) } }",
    ),
    (
        "resource.handle.swap(u32::MAX, Relaxed)",
        "crate::handles::number(resource.handle.swap(u32::MAX, Relaxed))",
    ),
    (
        "resource.handle.load(Relaxed)",
        "crate::handles::number(resource.handle.load(Relaxed))",
    ),
    ("pub fn keep(", "pub(crate) fn keep_unmarked("),
];

/// Stands before and in the implementation of `RESOURCE`'s end.
const END: &str = "
    impl RESOURCE {
        /// Marks the handle as kept.
        pub(crate) fn marked(self) -> Self {
            unsafe { Self::from_handle(crate::handles::kept(self.take_handle())) }
        }
    }
    unsafe impl _rt::WasmResource for RESOURCE {
        unsafe fn end(handle: u32) {
            if crate::handles::is_kept(handle) {
                return unsafe { Self::drop(crate::handles::number(handle)) };
            }
            crate::handles::End::end(unsafe { Self::from_handle(handle) })
        }";

/// Tensors and groups have a function of this name; that of groups is the last, and keeps its result.
const DUPLICATE: &str = "pub fn duplicate(";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONTRACT}");
    let mut text = generated()?;
    for (from, to) in CHANGES {
        text = changed(&text, from, to)?;
    }
    for resource in PASSING {
        let from = format!("unsafe impl _rt::WasmResource for {resource}{{");
        text = changed(&text, &from, &END.replace("RESOURCE", resource))?;
    }
    let at = text.rfind(DUPLICATE).ok_or("groups have a `duplicate`")?;
    let (before, after) = text.split_at(at);
    let after = after.replacen(DUPLICATE, "pub(crate) fn duplicate_unmarked(", 1);
    let path = PathBuf::from(env::var("OUT_DIR")?).join("bindings.rs");
    Ok(fs::write(path, format!("{before}{after}"))?)
}

/// The world `imports` as wit-bindgen writes it.
fn generated() -> Result<String, Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(CONTRACT)?;
    let world = resolve.select_world(&[package], Some("imports"))?;
    let options = Opts {
        generate_all: true,
        runtime_path: Some("::wit_bindgen::rt".to_owned()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, bytes) = files
        .iter()
        .find(|(name, _)| name.ends_with(".rs"))
        .ok_or("wit-bindgen writes a file of Rust")?;
    Ok(String::from_utf8(bytes.to_vec())?)
}

fn changed(text: &str, from: &str, to: &str) -> Result<String, Box<dyn Error>> {
    match text.matches(from).count() {
        1 => Ok(text.replacen(from, to, 1)),
        count => Err(format!(
            "wit-bindgen wrote `{from}` {count} times, not once: use the version that Cargo.lock names"
        )
        .into()),
    }
}
