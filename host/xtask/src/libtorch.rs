//! libtorch in the user's cache, from the same wheels Python users run; and the clone's link to it.
//! Owns the versions. Does not build anything: torch-sys and torch-ext find it through `LIBTORCH`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::atomic;
use crate::command::{output, run, say, works};
use crate::paths::{Paths, text};

/// The version that tch 0.24 is written for.
const VERSION: &str = "2.11.0";

/// libtorch, the CUDA libraries that even its CPU half is linked to, and the headers for CUDA graphs.
const CPU_WHEELS: Wheels = Wheels {
    requirements: &[
        "torch==2.11.0",
        "nvidia-cuda-runtime==13.0.96",
        "nvidia-cuda-cupti==13.0.85",
        "nvidia-cuda-crt==13.0.88",
    ],
    with_dependencies: false,
    needed_gb: 2,
};

/// The libraries that libtorch_cuda.so is linked to, as the METADATA of torch 2.11.0 pins them, without Triton and Python.
const CUDA_WHEELS: Wheels = Wheels {
    requirements: &[
        "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.2",
        "nvidia-cudnn-cu13==9.19.0.56",
        "nvidia-cusparselt-cu13==0.8.0",
        "nvidia-nccl-cu13==2.28.9",
        "nvidia-nvshmem-cu13==3.4.5",
    ],
    with_dependencies: true,
    needed_gb: 5,
};

/// A set of wheels that is fetched and unpacked together.
struct Wheels {
    requirements: &'static [&'static str],
    with_dependencies: bool,
    /// Free disk space for the wheels and their contents, side by side.
    needed_gb: u64,
}

/// Makes libtorch ready and `.cargo/libtorch` a link to it. The user's own `LIBTORCH` takes precedence.
pub(crate) fn install(paths: &Paths, with_cuda: bool) -> Result<()> {
    let folder = paths.cache.join(format!("libtorch-{VERSION}"));
    if let Some(own) = users_own(
        &paths.clone,
        &folder,
        env::var_os("LIBTORCH").map(PathBuf::from),
    ) {
        return check_own(&own);
    }
    if !is_complete(&folder) {
        fetch_cpu(&folder)?;
    }
    if with_cuda && !cuda_stamp(&folder).exists() {
        fetch_cuda(&folder)?;
    }
    atomic::link(&folder, &paths.clone.join(".cargo/libtorch"))
}

/// `LIBTORCH`, unless it is this clone's link, which .cargo/config.toml sets, or the cache's folder.
fn users_own(clone: &Path, folder: &Path, variable: Option<PathBuf>) -> Option<PathBuf> {
    variable.filter(|path| {
        !path.as_os_str().is_empty() && path != folder && *path != clone.join(".cargo/libtorch")
    })
}

fn check_own(own: &Path) -> Result<()> {
    if !is_complete(own) {
        bail!(
            "LIBTORCH={} lacks lib/libtorch_cpu.so or include/ATen: unset it to use libtorch {VERSION} from the cache",
            own.display()
        );
    }
    Ok(())
}

fn is_complete(folder: &Path) -> bool {
    [
        "lib/libtorch.so",
        "lib/libtorch_cpu.so",
        "lib/libc10.so",
        "include/ATen/ATen.h",
    ]
    .iter()
    .all(|file| folder.join(file).exists())
}

fn fetch_cpu(folder: &Path) -> Result<()> {
    let _alone = atomic::lock(folder)?;
    if is_complete(folder) {
        return Ok(());
    }
    say(&format!(
        "fetching libtorch {VERSION} (0.5 GB, 1.1 GB unpacked) into {}",
        folder.display()
    ));
    let part = atomic::unfinished(folder);
    fetch(&CPU_WHEELS, &part)?;
    lay_out(&part)?;
    atomic::publish(&part, folder)
}

/// Makes `include` and `lib` as torch-sys expects them, with the CPU half alone: one binary then runs on machines without
/// a GPU, and loads libtorch_cuda.so itself where there is one.
fn lay_out(folder: &Path) -> Result<()> {
    atomic::link(Path::new("site/torch/include"), &folder.join("include"))?;
    for library in ["libtorch_cpu.so", "libc10.so"] {
        atomic::link(
            &Path::new("../site/torch/lib").join(library),
            &folder.join("lib").join(library),
        )?;
    }
    // A linker script: torch-sys asks for -ltorch, which in the wheel would pull libtorch_cuda.so in.
    atomic::write_if_changed(&folder.join("lib/libtorch.so"), b"INPUT(libtorch_cpu.so)\n")?;
    Ok(())
}

/// Adds the CUDA libraries where the wheel's own rpath looks for them: `site/nvidia`.
fn fetch_cuda(folder: &Path) -> Result<()> {
    let _alone = atomic::lock(folder)?;
    say(&format!(
        "fetching the CUDA libraries of libtorch {VERSION} (1.9 GB, 2.7 GB unpacked) into {}",
        folder.display()
    ));
    fetch(&CUDA_WHEELS, folder)?;
    atomic::write_if_changed(&cuda_stamp(folder), b"complete\n")?;
    Ok(())
}

/// The file that is written last: until it is there, the CUDA libraries are fetched and unpacked once more.
fn cuda_stamp(folder: &Path) -> PathBuf {
    folder.join("cuda.complete")
}

/// Downloads into `folder/wheels` (pip checks what is there already), unpacks into `folder/site`.
fn fetch(wheels: &Wheels, folder: &Path) -> Result<()> {
    let (downloads, site) = (folder.join("wheels"), folder.join("site"));
    atomic::create_folder(&downloads)?;
    atomic::create_folder(&site)?;
    check_disk(folder, wheels.needed_gb)?;
    download(wheels, &downloads)?;
    say("unpacking the wheels");
    let remedy = "is the disk full? Free some space and run this again: it resumes";
    run(
        python().args([
            "-c",
            include_str!("unpack.py"),
            text(&downloads)?,
            text(&site)?,
        ]),
        remedy,
    )?;
    atomic::remove(&downloads)
}

fn download(wheels: &Wheels, into: &Path) -> Result<()> {
    if !works(python().args(["-m", "pip", "--version"])) {
        bail!(
            "python3 has no pip: apt install python3-pip (it only fetches; nothing is installed into Python)"
        );
    }
    let mut pip = python();
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
    ]);
    // One fixed wheel for every python3: only its C++ half is used.
    pip.args(["--python-version", "3.11", "--implementation", "cp"]);
    // pip takes only wheels with one of these very tags; Debian 12's glibc 2.36 runs them all.
    for glibc_minor in 17..=28 {
        pip.args(["--platform", &format!("manylinux_2_{glibc_minor}_x86_64")]);
    }
    pip.args(["--platform", "manylinux2014_x86_64"]);
    if !wheels.with_dependencies {
        pip.arg("--no-deps");
    }
    pip.arg("--dest").arg(into).args(wheels.requirements);
    run(
        &mut pip,
        "check the network and the free disk space, then run this again: complete files are kept",
    )
}

fn check_disk(folder: &Path, needed_gb: u64) -> Result<()> {
    let script = "import shutil, sys; print(shutil.disk_usage(sys.argv[1]).free // 10**9)";
    let free = output(
        python().args(["-c", script, text(folder)?]),
        "apt install python3",
    )?;
    if free
        .trim()
        .parse::<u64>()
        .is_ok_and(|free_gb| free_gb < needed_gb)
    {
        bail!(
            "{} has {} GB free, {needed_gb} GB are needed: free some or set PHASEBOX_CACHE to another disk",
            folder.display(),
            free.trim()
        );
    }
    Ok(())
}

fn python() -> Command {
    Command::new("python3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_foreign_libtorch_is_the_users_own() {
        fn check(variable: Option<&str>, expected: Option<&str>) {
            let own = users_own(
                Path::new("/clone"),
                Path::new("/cache/lt"),
                variable.map(PathBuf::from),
            );
            assert_eq!(own, expected.map(PathBuf::from));
        }
        check(None, None);
        check(Some(""), None);
        check(Some("/clone/.cargo/libtorch"), None);
        check(Some("/cache/lt"), None);
        check(Some("/opt/libtorch"), Some("/opt/libtorch"));
    }

    #[test]
    fn an_incomplete_libtorch_is_refused_with_a_remedy() {
        let error = check_own(Path::new("/nowhere")).expect_err("nothing is there");
        assert!(error.to_string().contains("unset it"), "{error}");
    }
}
