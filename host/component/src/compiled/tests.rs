//! Tests of what runs from the folder and what does not, after all kinds of tampering with it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;
use wasmtime::component::Linker;
use wasmtime::{Config, Store};

use super::eviction::{Bounds, make_room};
use super::*;

/// After this, times of files tell whether they have changed.
const SETTLING: Duration = Duration::from_millis(3100);

/// A folder with the code of two components, `answer` 1 and 2.
struct Kept {
    place: TempDir,
    engine: Engine,
}

impl Kept {
    fn new() -> Kept {
        let kept = Kept {
            place: tempfile::tempdir().expect("a folder"),
            engine: Engine::default(),
        };
        [1, 2]
            .into_iter()
            .for_each(|answer| kept.keep(&kept.engine, answer));
        kept
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("kept")
    }

    fn code(&self) -> CompiledCode {
        CompiledCode::open(&self.folder())
    }

    fn keep(&self, engine: &Engine, answer: u32) {
        let code = compiled(engine, answer);
        self.code().keep(engine, sha256(answer), &code);
    }

    /// The answer of the code that is kept for component 1, if that code is used.
    fn answer(&self) -> Option<u32> {
        let component = self.code().find(&self.engine, sha256(1))?;
        let mut store = Store::new(&self.engine, ());
        let instance = Linker::new(&self.engine)
            .instantiate(&mut store, &component)
            .expect("it starts");
        let answer = instance
            .get_typed_func::<(), (u32,)>(&mut store, "answer")
            .expect("it is exported");
        Some(answer.call(&mut store, ()).expect("it answers").0)
    }

    fn path(&self, answer: u32, extension: &str) -> PathBuf {
        self.folder()
            .join(entry_name(&self.engine, sha256(answer)))
            .with_extension(extension)
    }
}

fn source(answer: u32) -> Vec<u8> {
    let text = format!(
        r#"(component
          (core module $code (func (export "answer") (result i32) i32.const {answer}))
          (core instance $instance (instantiate $code))
          (func (export "answer") (result u32) (canon lift (core func $instance "answer"))))"#
    );
    wat::parse_str(text).expect("valid text")
}

fn compiled(engine: &Engine, answer: u32) -> Vec<u8> {
    let code = engine.precompile_component(&source(answer));
    code.expect("it compiles")
}

fn sha256(answer: u32) -> Digest {
    Digest::of(&source(answer))
}

/// Overwrites in place what is otherwise only replaced.
fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("it is there");
    change(&mut bytes);
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(path, bytes).expect("it can be written");
}

type Tampering = fn(&Kept);

/// Changes of the entry of component 1, each with the answer whether the entry may still run.
const TAMPERINGS: &[(&str, bool, Tampering)] = &[
    ("nothing", true, |_| {}),
    ("the folder holds strange files", true, |kept| {
        fs::write(kept.folder().join("notes.txt"), "strange").expect("written");
        fs::create_dir(kept.folder().join("modules")).expect("made");
    }),
    ("the code is cut short", false, |kept| {
        overwrite(&kept.path(1, "code"), |code| code.truncate(4096))
    }),
    ("the code is empty", false, |kept| {
        overwrite(&kept.path(1, "code"), Vec::clear)
    }),
    ("one bit of the code is another", false, |kept| {
        overwrite(&kept.path(1, "code"), |code| {
            let middle = code.len() / 2;
            code[middle] ^= 1;
        });
    }),
    ("the code is that of another component", false, |kept| {
        fs::rename(kept.path(2, "code"), kept.path(1, "code")).expect("renamed");
    }),
    (
        "the whole entry is that of another component",
        false,
        |kept| {
            fs::rename(kept.path(2, "code"), kept.path(1, "code")).expect("renamed");
            fs::rename(kept.path(2, "json"), kept.path(1, "json")).expect("renamed");
        },
    ),
    ("the code is a link to good code", false, |kept| {
        let elsewhere = kept.folder().join("elsewhere");
        fs::rename(kept.path(1, "code"), &elsewhere).expect("renamed");
        symlink(elsewhere, kept.path(1, "code")).expect("linked");
    }),
    ("the code is a folder", false, |kept| {
        fs::remove_file(kept.path(1, "code")).expect("removed");
        fs::create_dir(kept.path(1, "code")).expect("made");
    }),
    ("others may write to the code", false, |kept| {
        fs::set_permissions(kept.path(1, "code"), Permissions::from_mode(0o666))
            .expect("it is ours");
    }),
    ("there is no record", false, |kept| {
        fs::remove_file(kept.path(1, "json")).expect("removed")
    }),
    ("the record is no JSON", false, |kept| {
        overwrite(&kept.path(1, "json"), |text| text.truncate(9))
    }),
    ("an engine of other settings wrote it", false, |kept| {
        let other = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        kept.keep(&other, 1);
        let record = |engine| entry_name(engine, sha256(1));
        let text = fs::read_to_string(kept.folder().join(record(&other) + ".json")).expect("kept");
        let text = text.replace(&record(&other), &record(&kept.engine));
        overwrite(&kept.path(1, "json"), |old| *old = text.into_bytes());
        let code = kept.folder().join(record(&other) + ".code");
        fs::rename(code, kept.path(1, "code")).expect("renamed");
    }),
];

#[test]
fn code_that_is_not_what_was_written_is_never_run() {
    let fresh: Vec<Kept> = TAMPERINGS.iter().map(|_| Kept::new()).collect();
    let settled: Vec<Kept> = TAMPERINGS.iter().map(|_| Kept::new()).collect();
    let check = |kept: &Kept, (what, runs, tamper): &(&str, bool, Tampering)| {
        tamper(kept);
        assert_eq!(kept.answer(), runs.then_some(1), "{what}");
    };
    fresh
        .iter()
        .zip(TAMPERINGS)
        .for_each(|(kept, row)| check(kept, row));
    std::thread::sleep(SETTLING);
    for (kept, row) in settled.iter().zip(TAMPERINGS) {
        assert_eq!(kept.answer(), Some(1), "the stamp is taken");
        assert!(
            fs::read_to_string(kept.path(1, "json"))
                .expect("kept")
                .contains("inode")
        );
        check(kept, row);
        if !row.1 {
            kept.keep(&kept.engine, 1);
            let is_folder = kept.path(1, "code").is_dir();
            assert_eq!(
                kept.answer(),
                (!is_folder).then_some(1),
                "{}: compiled anew",
                row.0
            );
        }
    }
}

#[test]
fn a_folder_that_others_could_change_is_not_used() {
    let place = tempfile::tempdir().expect("a folder");
    let made = |name: &str, mode| {
        let path = place.path().join(name);
        fs::create_dir(&path).expect("made");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        path
    };
    symlink(made("private", 0o700), place.path().join("link")).expect("linked");
    fs::write(place.path().join("file"), "").expect("written");
    let foreign = made("foreign", 0o700);
    // Only root can give a folder away; for everybody else, root's are foreign.
    let foreign = chown(&foreign, Some(65534), None).map_or(PathBuf::from("/etc"), |()| foreign);
    for (path, expected) in [
        (place.path().join("private"), "0 compiled, 0.0 MB"),
        (place.path().join("new/below/it"), "0 compiled, 0.0 MB"),
        (place.path().join("link"), "a link is not taken for one"),
        (place.path().join("file"), "cannot be made"),
        (made("readable", 0o755), "`chmod 700"),
        (made("shared", 0o770), "`chmod 700"),
        (foreign, "belongs to another user"),
    ] {
        let code = CompiledCode::open(&path);
        let line = code
            .describe()
            .unwrap_or_else(|reason| format!("{reason:#}"));
        assert!(line.contains(expected), "{}: {line}", path.display());
        let engine = Engine::default();
        code.keep(&engine, sha256(1), &compiled(&engine, 1));
        let is_used = expected.starts_with('0');
        assert_eq!(
            code.find(&engine, sha256(1)).is_some(),
            is_used,
            "{}",
            path.display()
        );
    }
}

type Change = fn(&Path);

#[test]
fn a_digest_is_remembered_as_long_as_the_file_is_the_same() {
    let place = tempfile::tempdir().expect("a folder");
    let code = CompiledCode::open(&place.path().join("kept"));
    let path = place.path().join("x.wasm");
    let metadata = || fs::metadata(&path).expect("it is there");
    fs::write(&path, "one").expect("written");
    code.remember(&metadata(), Digest::of(b"fresh"));
    assert_eq!(
        code.digest_of(&metadata()),
        None,
        "it may still change within the same instant"
    );
    std::thread::sleep(SETTLING);
    let known = Digest::of(b"known");
    code.remember(&metadata(), known);
    assert_eq!(code.digest_of(&metadata()), Some(known));
    let modified = metadata().modified().expect("a time");
    let changes: [(&str, Change); 3] = [
        ("its length", |path| {
            fs::write(path, "three").expect("written")
        }),
        ("its contents", |path| {
            fs::write(path, "two").expect("written")
        }),
        ("it was replaced", |path| {
            fs::write(path.with_extension("new"), "one").expect("written");
            fs::rename(path.with_extension("new"), path).expect("renamed");
        }),
    ];
    for (what, change) in changes {
        change(&path);
        File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(modified))
            .expect("ours");
        assert_eq!(
            code.digest_of(&metadata()),
            None,
            "{what}, with the old time of modification"
        );
    }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    const DAY: Duration = Duration::from_secs(86_400);
    let now = UNIX_EPOCH + 1_000 * DAY;
    for (bytes, unused, left) in [
        (100, 90, "new old older"),
        (29, 90, "new old"),
        (25, 90, "new old"),
        (19, 90, "new"),
        (5, 90, ""),
        (100, 20, "new"),
        (100, 9, ""),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("kept");
        let folder = Folder::open(&path).expect("it is ours");
        for (name, days) in [("old", 30), ("new", 10), ("older", 50)] {
            for (file, size) in [(format!("{name}.code"), 8), (format!("{name}.json"), 2)] {
                folder.write(&file, &[0; 8][..size]).expect("written");
                let path = path.join(file);
                fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
                let opened = File::options().append(true).open(path);
                opened
                    .and_then(|file| file.set_modified(now - days * DAY))
                    .expect("ours");
            }
        }
        make_room(
            &folder,
            Bounds {
                bytes,
                unused: unused * DAY,
            },
            now,
        )
        .expect("room is made");
        let mut names: Vec<String> = folder
            .list()
            .expect("listed")
            .into_iter()
            .map(|file| file.name)
            .collect();
        names.sort();
        let expected: Vec<String> = left
            .split_whitespace()
            .flat_map(|name| [format!("{name}.code"), format!("{name}.json")])
            .collect();
        assert_eq!(names, expected, "{bytes} bytes, {unused} days");
    }
}
