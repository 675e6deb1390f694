//! A run trains the same whatever has become of the folder of compiled callbacks, and says when it does not use the
//! folder. Damage to a single entry is for the unit tests of `component/src/compiled.rs`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use phasebox_component::{Component, Engine};

use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Finished, Scratch, TINY};

const CALLBACK: &str = "  - GradClip: {max_norm: 1.0}\n";

fn train(scratch: &Scratch) -> Finished {
    let mut command = scratch.command(&["train", "recipe.yaml", "--threads", "1"]);
    let child = command
        .env("XDG_CACHE_HOME", scratch.path("cache"))
        .spawn()
        .expect("the binary starts");
    scratch.finish(child)
}

/// The file of compiled code: a run with one callback leaves one.
fn code(folder: &Path) -> PathBuf {
    found(folder, "code")
}

/// The file of this kind.
fn found(folder: &Path, kind: &str) -> PathBuf {
    let files = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|file| file.expect("readable").path());
    let mut found =
        files.filter(|path| path.extension().is_some_and(|extension| extension == kind));
    found.next().expect("one callback was compiled")
}

fn change(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let path = code(folder);
    let mut bytes = fs::read(&path).expect("readable");
    change(&mut bytes);
    fs::remove_file(&path).expect("ours");
    fs::write(path, bytes).expect("ours");
}

type Tampering = fn(&Path);

#[test]
fn a_run_never_runs_what_somebody_put_there() {
    let rows: [(&str, Tampering, &str); 6] = [
        ("nothing was done", |_| {}, ""),
        (
            "the code is cut short",
            |folder| change(folder, |code| code.truncate(5_000)),
            "compiled anew",
        ),
        (
            "the code is another",
            |folder| change(folder, |code| code.reverse()),
            "compiled anew",
        ),
        (
            "the code is a link",
            |folder| {
                let path = code(folder);
                fs::rename(&path, folder.join("elsewhere")).expect("ours");
                symlink(folder.join("elsewhere"), path).expect("ours");
            },
            "is a link",
        ),
        (
            "everybody may write to the folder",
            |folder| fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("ours"),
            "`chmod 700",
        ),
        (
            "the folder is a link",
            |folder| {
                fs::rename(folder, folder.with_extension("elsewhere")).expect("ours");
                symlink(folder.with_extension("elsewhere"), folder).expect("ours");
            },
            "a link is not taken for one",
        ),
    ];
    for (what, tamper, expected) in rows {
        let scratch = Scratch::with_callbacks(CALLBACK);
        let first = train(&scratch);
        assert_eq!(
            (first.code, first.stderr.contains("compiled")),
            (Some(0), false),
            "{}",
            first.stderr
        );
        tamper(&scratch.path("cache/phasebox/compiled"));
        let second = train(&scratch);
        assert_eq!(second.code, Some(0), "{what}: {}", second.stderr);
        assert!(
            second.stderr.contains(expected),
            "{what}: {}",
            second.stderr
        );
        assert_eq!(
            second.stderr.contains("compiled"),
            !expected.is_empty(),
            "{what}: {}",
            second.stderr
        );
    }
}

const TOO_LONG: &str = "bad.wasm cannot be compiled: it takes too long";

/// A file that keeps the compiler busy does so once: the refusal is read from its file for an hour, as its changed words
/// show, and under the limits that it was found under.
#[test]
fn a_refused_file_is_not_compiled_at_every_look() {
    let entry = "  - {wasm: bad.wasm, limits: {compile_time: 1us}}\n";
    let scratch = Scratch::with_callbacks(entry);
    scratch.write("bad.wasm", component(&[("on-epoch-end", NOTHING)]));
    let check = |words: &str| {
        let finished = train(&scratch);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(
            finished.stderr.contains(words),
            "{words}: {}",
            finished.stderr
        );
    };
    check(TOO_LONG);
    let path = found(&scratch.path("cache/phasebox/compiled"), "refused");
    let text = fs::read_to_string(&path).expect("readable");
    let write = |text: String| {
        fs::remove_file(&path).expect("ours");
        fs::write(&path, text).expect("ours");
    };
    write(text.replace("takes too long", "took too long"));
    check("bad.wasm cannot be compiled: it took too long");
    write(
        text.replace("takes too long", "took too long")
            .replace("\"name\":\"", "\"name\":\"0"),
    );
    check(TOO_LONG);
    write(text.replace("takes too long", "took too long"));
    age(&path);
    check(TOO_LONG);
    scratch.write("recipe.yaml", format!("{TINY}  - {{wasm: bad.wasm}}\n"));
    let finished = train(&scratch);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Makes a file an hour and a minute old.
fn age(path: &Path) {
    let file = fs::File::open(path).expect("readable");
    let then = SystemTime::now() - Duration::from_secs(61 * 60);
    file.set_modified(then).expect("ours");
}

/// An interpreter's code takes megabytes beside the memory of each callback.
#[test]
fn callbacks_of_one_file_share_its_code() {
    let scratch = Scratch::new();
    scratch.write("one.wasm", component(&[("on-epoch-end", NOTHING)]));
    scratch.write("other.wasm", component(&[("on-epoch-start", NOTHING)]));
    let engine = Engine::new(&scratch.path("cache")).expect("an engine");
    let load = |name| Component::load(&engine, &scratch.path(name)).expect(name);
    let [one, again, other] = ["one.wasm", "one.wasm", "other.wasm"].map(load);
    assert!(std::ptr::eq(one.code(), again.code()));
    assert!(!std::ptr::eq(one.code(), other.code()));
    scratch.write("one.wasm", component(&[("on-epoch-start", NOTHING)]));
    assert!(std::ptr::eq(load("one.wasm").code(), other.code()));
}
