//! A disk that fails while something from the network is kept: told with a remedy, no half of a file takes its name, and the
//! next try succeeds.

use std::fs;

use phasebox_contract::digest::Digest;

use super::{clip, command, hostile, names, run, scratch};
use crate::harness::Scratch;
use crate::harness::faults::{Disk, FAULTS, Fault};

/// A case whose recipe names a file of a server.
fn case() -> (Scratch, String) {
    let scratch = scratch();
    fs::create_dir(scratch.path("new")).expect("ours");
    let host = hostile::serve(|_, stream| hostile::reply(stream, "200 OK", &clip()));
    let locator = format!("http://{host}/clip.wasm");
    let digest = Digest::of(&clip());
    names(
        &scratch,
        &format!("{{wasm: '{locator}', digest: 'sha256:{digest}'}}"),
    );
    (scratch, locator)
}

/// Runs a command whose change `at` fails, and then once more on a whole disk; false if there was no such change.
fn check(arguments: &[&str], below: &str, kept: &str, (at, fault): (usize, Fault)) -> bool {
    let (scratch, locator) = case();
    let given: Vec<&str> = arguments
        .iter()
        .map(|argument| match *argument {
            "LOCATOR" => locator.as_str(),
            other => other,
        })
        .collect();
    let disk = Disk::new(&scratch.path(""));
    let mut failing = command(&scratch, "cache", &given);
    disk.fail(&mut failing, below, at, fault);
    let finished = scratch.finish(failing.spawn().expect("the binary starts"));
    if disk.changes() < at {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        return false;
    }
    let shown = format!("{} at {at}: {}", fault.what, finished.stderr);
    assert_eq!(finished.code, Some(2), "{shown}");
    let remedies = ["make room", "name another with `-o`"];
    let has_remedy = remedies.iter().any(|remedy| shown.contains(remedy));
    assert!(shown.contains("os error") && has_remedy, "{shown}");
    let kept = scratch.path(kept);
    if let Ok(bytes) = fs::read(&kept) {
        assert_eq!(bytes, clip(), "{shown}");
    }
    let again = run(&scratch, &given);
    assert_eq!(again.code, Some(0), "{shown} {}", again.stderr);
    true
}

fn check_all(arguments: &[&str], below: &str, kept: &str) {
    for fault in FAULTS {
        let mut tried = 1;
        while check(arguments, below, kept, (tried, fault)) {
            tried += 1;
        }
        assert!(tried > 2, "the library counts: {tried}");
    }
}

#[test]
fn a_download_that_cannot_be_kept() {
    let kept = format!("cache/phasebox/downloads/{}.wasm", Digest::of(&clip()));
    check_all(&["check", "recipe.yaml"], "/downloads", &kept);
}

#[test]
fn a_pulled_file_that_cannot_be_written() {
    let arguments = ["pull", "LOCATOR", "-o", "new/pulled.wasm"];
    check_all(&arguments, "new/", "new/pulled.wasm");
}
