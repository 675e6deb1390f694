//! The recipes of SuperGradients' package, in the user's cache. Needs python3 with pip, and the network once.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const PIN: &str = "super-gradients==3.7.1";
/// The wheel's digest, as the package's index has it.
const SHA256: &str = "f4ebf2f551399f77070609da15efb2cfaf90392a38be4be8b1d4eab0d9c47381";

/// Checks the wheel of a folder, and unpacks the recipes beside it.
const UNPACK: &str = "
import glob, hashlib, sys, zipfile
folder, sha256 = sys.argv[1:]
[wheel] = glob.glob(folder + '/*.whl')
assert hashlib.sha256(open(wheel, 'rb').read()).hexdigest() == sha256, 'another wheel'
names = zipfile.ZipFile(wheel).namelist()
names = [name for name in names if '/recipes/' in name and name.endswith('.yaml')]
zipfile.ZipFile(wheel).extractall(folder, names)
";

/// The folder of the recipes. Fetches the package first if it is not there.
pub(super) fn recipes() -> PathBuf {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let folder = cache().join(PIN.replace("==", "-"));
    if !folder.exists() {
        fetch(&folder);
    }
    folder.join("super_gradients/recipes")
}

fn cache() -> PathBuf {
    let own = env::var_os("PHASEBOX_CACHE").map(PathBuf::from);
    let home = env::var_os("HOME").map(PathBuf::from);
    let of_user = home.map(|home| home.join(".cache/phasebox"));
    own.or(of_user).expect("PHASEBOX_CACHE or HOME is set")
}

fn fetch(folder: &Path) {
    let unfinished = tempfile::tempdir().expect("a folder for the package");
    let part = unfinished.path().to_str().expect("a path in UTF-8");
    python(&[
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        part,
        PIN,
    ]);
    python(&["-c", UNPACK, part, SHA256]);
    fs::create_dir_all(folder).expect("the cache can be written");
    let recipes = "super_gradients/recipes";
    copy(&unfinished.path().join(recipes), &folder.join(recipes));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the cache can be written");
    for entry in fs::read_dir(from).expect("unpacked recipes") {
        let entry = entry.expect("a readable folder");
        let to = to.join(entry.file_name());
        match entry.file_type().expect("a file or folder").is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("the cache can be written")),
        }
    }
}

fn python(arguments: &[&str]) {
    let output = Command::new("python3").args(arguments).output();
    let output = output.expect("python3 starts: apt install python3-pip");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {words}");
}
