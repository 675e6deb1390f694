//! The CUDA library against the libtorch it is made for, on machines without a GPU: each symbol that it leaves
//! undefined is defined by the libraries that are loaded before it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const LIBRARY: &str = env!("TORCH_EXT_CUDA_LIBRARY");
const LIBTORCH: &str = env!("TORCH_EXT_LIBTORCH");

/// Names in the dynamic symbol table, without versions.
fn symbols(library: &Path, which: &str) -> BTreeSet<String> {
    let output = Command::new("nm")
        .args(["--dynamic", "--format=just-symbols", which])
        .arg(library)
        .output();
    let output = output.expect("nm comes with the compiler");
    assert!(
        output.status.success(),
        "{}: {}",
        library.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("names are text");
    text.lines()
        .map(|line| line.split('@').next().unwrap_or(line).trim().to_owned())
        .collect()
}

fn libtorch(name: &str) -> BTreeSet<String> {
    symbols(&Path::new(LIBTORCH).join(name), "--defined-only")
}

#[test]
fn everything_it_needs_is_defined() {
    let library = Path::new(LIBRARY);
    assert!(
        library.metadata().expect("build.rs made it").len() > 0,
        "CUDA's headers were not found"
    );
    let needed = symbols(library, "--undefined-only");
    for wanted in [
        "CUDAGraph13capture_begin",
        "CUDAGraph6replay",
        "setCurrentCUDAStream",
        "getStreamFromPool",
    ] {
        assert!(
            needed.iter().any(|name| name.contains(wanted)),
            "{wanted} is not used"
        );
    }
    let mut defined = BTreeSet::new();
    for name in [
        "libtorch_cuda.so",
        "libc10_cuda.so",
        "libtorch_cpu.so",
        "libc10.so",
    ] {
        defined.extend(libtorch(name));
    }
    let runtime = Path::new(LIBTORCH).join("../../nvidia/cu13/lib/libcudart.so.13");
    defined.extend(symbols(&runtime, "--defined-only"));
    // What is left belongs to the C++ and C libraries, whose names are not libtorch's.
    let ours = |name: &&String| {
        ["at", "c10", "cuda", "torch", "caffe2"]
            .iter()
            .any(|part| is_of(name, part))
    };
    let missing: Vec<&String> = needed.difference(&defined).filter(ours).collect();
    assert!(
        missing.is_empty(),
        "not defined by libtorch 2.11's CUDA half: {missing:?}"
    );
}

/// True if a mangled or plain name belongs to a namespace or a C library.
fn is_of(name: &str, part: &str) -> bool {
    let nested = format!("N{}{part}", part.len());
    let constant = format!("NK{}{part}", part.len());
    name.starts_with(part) || name.contains(&nested) || name.contains(&constant)
}

#[test]
fn a_wrong_name_would_be_found() {
    assert!(
        is_of("_ZN2at4cuda9CUDAGraph6replayEv", "at") && is_of("cudaStreamSynchronize", "cuda")
    );
    assert!(is_of("_ZNK3c104cuda10CUDAStream6streamEv", "c10") && !is_of("_ZNSt6vectorIiE", "at"));
    assert!(!libtorch("libtorch_cuda.so").contains("_ZN2at4cuda9CUDAGraph6replayEi"));
}

#[test]
fn without_a_device_the_error_says_what_to_do() {
    let Err(error) = torch_ext::cuda::GraphPool::new() else {
        assert!(torch_ext::cuda_device_count().expect("a count") > 0);
        return;
    };
    let error = error.to_string();
    assert!(
        error.contains("CUDA is not usable") || error.contains("graph pool"),
        "{error}"
    );
}
