//! Callbacks from the network: published to a real registry, fetched, trained with, kept; and servers that answer whatever
//! they like, each of which is refused in words, in time, and without a file.

mod disk;
mod docker;
mod hostile;
mod rows;
mod tls;

use std::fs;
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::thread::sleep;
use std::time::{Duration, Instant};

use phasebox_contract::digest::Digest;

use self::docker::Registry;
use self::rows::{FILES, Row, TAGS};
use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Finished, Scratch, TINY};

/// A component, and another one.
fn clip() -> Vec<u8> {
    component(&[("on-epoch-end", NOTHING)])
}

fn other() -> Vec<u8> {
    component(&[("on-epoch-start", NOTHING)])
}

fn scratch() -> Scratch {
    let scratch = Scratch::with_callbacks("  []\n");
    scratch.write("clip.wasm", clip());
    scratch.write("other.wasm", other());
    fs::create_dir(scratch.path("docker")).expect("ours");
    scratch
}

/// A command that keeps downloads in a folder of the case.
fn command(scratch: &Scratch, cache: &str, arguments: &[&str]) -> Command {
    let mut command = scratch.command(arguments);
    command.env("XDG_CACHE_HOME", scratch.path(cache));
    command
}

fn run(scratch: &Scratch, arguments: &[&str]) -> Finished {
    run_with(scratch, "cache", arguments)
}

fn run_with(scratch: &Scratch, cache: &str, arguments: &[&str]) -> Finished {
    let child = command(scratch, cache, arguments).spawn();
    scratch.finish(child.expect("the binary starts"))
}

/// Runs what has to succeed; answers its output.
fn done(scratch: &Scratch, arguments: &[&str]) -> String {
    let finished = run(scratch, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished.stdout
}

/// Runs what has to be refused with these words.
fn refused(scratch: &Scratch, arguments: &[&str], words: &str) -> String {
    refused_with(scratch, "cache", arguments, words)
}

fn refused_with(scratch: &Scratch, cache: &str, arguments: &[&str], words: &str) -> String {
    let finished = run_with(scratch, cache, arguments);
    let said = format!("{arguments:?}: {}{}", finished.stdout, finished.stderr);
    assert!(matches!(finished.code, Some(1 | 2)), "{said}");
    assert!(
        finished.stderr.contains(words),
        "`{words}` is not in {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
    finished.stderr
}

fn names(scratch: &Scratch, entry: &str) {
    scratch.write("recipe.yaml", format!("{TINY}  - {entry}\n"));
}

/// The 64 digits after `before`.
fn digits(text: &str, before: &str) -> String {
    let (_, after) = text.split_once(before).expect("a digest is told");
    after.chars().take(64).collect()
}

#[test]
fn a_callback_is_published_inspected_pulled_and_trained_with() {
    let scratch = scratch();
    let registry = Registry::start(&scratch.path(""));
    let locator = registry.locator("1.0.0");
    let sha256 = Digest::of(&clip()).to_string();
    let said = done(&scratch, &["publish", "clip.wasm", &locator]);
    assert!(
        said.contains(&format!("component   sha256:{sha256}")),
        "{said}"
    );
    let manifest = digits(&said, "manifest    sha256:");
    let again = done(&scratch, &["publish", "clip.wasm", &locator]);
    assert!(
        again.contains("was there already") && again.contains(&manifest),
        "{again}"
    );
    let words = format!("holds the component sha256:{sha256}: choose another tag");
    refused(&scratch, &["publish", "other.wasm", &locator], &words);

    registry.put_index("many");
    let many = registry.locator("many");
    let words = "holds something else than a component";
    refused(&scratch, &["publish", "other.wasm", &many], words);
    refused(&scratch, &["inspect", &many], "an index of several images");

    let shown = done(&scratch, &["inspect", &locator]);
    for line in [
        format!("component   sha256:{sha256} ({} bytes)", clip().len()),
        format!("manifest    sha256:{manifest}"),
        "phases      on-epoch-end".to_owned(),
        format!("  - wasm: {locator}\n    digest: sha256:{sha256}"),
    ] {
        assert!(shown.contains(&line), "`{line}` is not in {shown}");
    }
    done(&scratch, &["inspect", &locator, "--json"]);

    done(&scratch, &["pull", &locator, "-o", "pulled.wasm"]);
    assert_eq!(
        fs::read(scratch.path("pulled.wasm")).expect("pulled"),
        clip()
    );
    refused(
        &scratch,
        &["pull", &locator, "-o", "other.wasm"],
        "is there and is something else",
    );

    trains_from_the_cache(&scratch, registry, &locator, (&sha256, &manifest));
}

/// A recipe that names the locator: with its digest, from the network, without it, and after the tag has changed.
fn trains_from_the_cache(
    scratch: &Scratch,
    registry: Registry,
    locator: &str,
    (sha256, manifest): (&str, &str),
) {
    names(scratch, locator);
    let words = format!("add `digest: sha256:{sha256}`");
    let refusal = refused_with(scratch, "empty", &["check", "recipe.yaml"], &words);
    assert!(refusal.contains("recipe.yaml:18"), "{refusal}");
    names(
        scratch,
        &format!("{{wasm: '{locator}', digest: 'sha256:{sha256}'}}"),
    );
    done(scratch, &["train", "recipe.yaml"]);
    let lock = scratch.run().text("plugins.lock");
    assert!(lock.contains(locator) && lock.contains(sha256), "{lock}");
    done(scratch, &["lock", "recipe.yaml"]);
    done(scratch, &["check", "recipe.yaml"]);

    done(scratch, &["publish", "other.wasm", locator, "--replace"]);
    done(scratch, &["check", "recipe.yaml"]);
    let words = format!("now, and `digest` says sha256:{sha256}");
    refused_with(scratch, "empty", &["check", "recipe.yaml"], &words);
    fs::remove_file(scratch.path("recipe.plugins.lock")).expect("ours");

    let place = locator.rsplit_once(':').expect("a tag").0;
    let held = format!("{place}@sha256:{manifest}");
    names(scratch, &format!("{held}: {{}}"));
    done(scratch, &["check", "recipe.yaml"]);
    registry.stop();
    done(scratch, &["check", "recipe.yaml"]);
    names(
        scratch,
        &format!("{{wasm: '{locator}', digest: 'sha256:{sha256}'}}"),
    );
    let run = scratch.run();
    let more = "training_hyperparams.max_epochs=3";
    done(
        scratch,
        &["train", "recipe.yaml", "--resume", run.path(), more],
    );
    let words = "check the address and the network";
    refused_with(scratch, "empty", &["check", "recipe.yaml"], words);
}

#[test]
fn a_registry_that_wants_a_log_in_gets_the_one_that_docker_keeps() {
    let scratch = scratch();
    let registry = Registry::with_log_in(&scratch.path(""));
    let locator = registry.locator("1.0.0");
    refused(
        &scratch,
        &["publish", "clip.wasm", &locator],
        "wants a log-in",
    );
    scratch.write("docker/config.json", "{");
    refused(
        &scratch,
        &["publish", "clip.wasm", &locator],
        "is no file of credentials",
    );
    scratch.write("docker/config.json", registry.credentials());
    done(&scratch, &["publish", "clip.wasm", &locator]);
    done(&scratch, &["pull", &locator, "-o", "pulled.wasm"]);
}

/// Mistakes of a recipe's author, and places that the machine's policy forbids.
#[test]
fn locators_are_whole_and_allowed() {
    let digest = Digest::of(&clip());
    let (file, tag) = (
        "https://example.com/a/clip.wasm",
        "oci://ghcr.io/team/clip:1",
    );
    for (policy, locator, words) in [
        (
            "{}",
            "http://example.com/clip.wasm",
            "is not encrypted: use https",
        ),
        ("{}", "ftp://example.com/clip.wasm", "is not encrypted"),
        ("{}", "oci://ghcr.io/team/clip", "has no tag"),
        ("{}", "oci://clip:1", "names no registry"),
        (
            "{}",
            "https://ann:secret@example.com/clip.wasm",
            "holds credentials",
        ),
        ("registries: []", tag, "under `registries`"),
        ("registries: []", file, "under `registries`"),
        ("registries: [ghcr.io/tea]", tag, "under `registries`"),
        ("registries: [example.com/a/b]", file, "under `registries`"),
        ("registries: [EXAMPLE.com/A]", file, "under `registries`"),
        (
            "registries: [EXAMPLE.com/A]",
            "https://example.com:66000/A/clip.wasm",
            "is no address",
        ),
        (
            "registries: [example.com/a]",
            "https://example.com/a/../b.wasm",
            "leads upwards",
        ),
        ("callbacks: []", tag, "under `callbacks`"),
        ("registries: ['https://ghcr.io']", tag, "policy.yaml:1"),
        ("registries: 3", tag, "policy.yaml:1"),
    ] {
        let scratch = scratch();
        scratch.write("policy.yaml", policy);
        names(
            &scratch,
            &format!("{{wasm: '{locator}', digest: 'sha256:{digest}'}}"),
        );
        let arguments = ["check", "recipe.yaml", "--policy", "policy.yaml"];
        let refusal = refused(&scratch, &arguments, words);
        assert!(!refusal.contains("network, then"), "{policy}: {refusal}");
    }
}

#[test]
fn an_allowed_registry_is_asked() {
    let scratch = scratch();
    let registry = Registry::start(&scratch.path(""));
    let locator = registry.locator("1.0.0");
    done(&scratch, &["publish", "clip.wasm", &locator]);
    let digest = Digest::of(&clip());
    names(
        &scratch,
        &format!("{{wasm: '{locator}', digest: 'sha256:{digest}'}}"),
    );
    let policy = format!("callbacks: []\nregistries: ['{}/team']", registry.host);
    scratch.write("policy.yaml", policy);
    done(
        &scratch,
        &["check", "recipe.yaml", "--policy", "policy.yaml"],
    );
    let shown = run(
        &scratch,
        &["check", "recipe.yaml", "--policy", "policy.yaml"],
    )
    .stdout;
    assert!(
        shown.contains("callbacks from the network: 127.0.0.1:"),
        "{shown}"
    );
}

/// The longest time that any answer takes: a slow one is waited for 20 s.
const LONGEST: Duration = Duration::from_secs(60);

fn check(row: &Row, arguments: &[&str]) {
    let scratch = scratch();
    let host = hostile::serve(row.answer);
    let locator = row.locator.replace("HOST", &host);
    let begun = Instant::now();
    let finished = run(&scratch, &[arguments, &[locator.as_str()]].concat());
    let (what, took) = (row.what, begun.elapsed());
    let said = format!("{what}: {}{}", finished.stdout, finished.stderr);
    let code = if row.is_taken { 0 } else { 2 };
    assert_eq!(finished.code, Some(code), "{said}");
    assert!(said.contains(row.words), "`{}` is not in {said}", row.words);
    assert!(
        !said.contains("panicked") && !said.contains('\u{1b}'),
        "{said}"
    );
    assert!(
        took < LONGEST && said.len() < 20_000,
        "{took:?}, {} bytes: {what}",
        said.len()
    );
    assert_eq!(
        scratch.path("x.wasm").exists(),
        row.is_taken && arguments == ["pull"],
        "{said}"
    );
}

#[test]
fn hostile_servers_of_files_are_contained() {
    FILES.iter().for_each(|row| check(row, &["pull"]));
}

#[test]
fn hostile_registries_are_contained() {
    TAGS.iter().for_each(|row| check(row, &["inspect"]));
}

/// Bytes that are not those of the digest are neither kept nor run.
#[test]
fn other_bytes_than_the_digest_says_are_refused() {
    let scratch = scratch();
    let host = hostile::serve(|_, stream| hostile::reply(stream, "200 OK", &other()));
    let digest = Digest::of(&clip());
    names(
        &scratch,
        &format!("{{wasm: 'http://{host}/clip.wasm', digest: 'sha256:{digest}'}}"),
    );
    let words = format!(
        "gives sha256:{}, and `digest` says sha256:{digest}",
        Digest::of(&other())
    );
    let refusal = refused(&scratch, &["train", "recipe.yaml"], &words);
    assert!(refusal.contains("recipe.yaml:18"), "{refusal}");
    assert!(!scratch.path("runs").exists() && !scratch.path("cache/phasebox/downloads").exists());
}

/// A file of the cache that somebody has changed is fetched again.
#[test]
fn a_changed_file_in_the_cache_is_fetched_again() {
    let scratch = scratch();
    let host = hostile::serve(|_, stream| hostile::reply(stream, "200 OK", &clip()));
    let digest = Digest::of(&clip());
    names(
        &scratch,
        &format!("{{wasm: 'http://{host}/clip.wasm', digest: 'sha256:{digest}'}}"),
    );
    done(&scratch, &["check", "recipe.yaml"]);
    let kept = format!("cache/phasebox/downloads/{digest}.wasm");
    scratch.write(&kept, other());
    done(&scratch, &["check", "recipe.yaml"]);
    assert_eq!(fs::read(scratch.path(&kept)).expect("kept"), clip());
}

/// Credentials stay with the server that they were stored for, whoever it names.
#[test]
fn credentials_go_to_nobody_else() {
    let spy = hostile::serve(|request, stream| {
        let head = if request.is_authorized() {
            "500 No"
        } else {
            "200 OK"
        };
        hostile::reply(stream, head, br#"{"token": "for-nobody"}"#);
    });
    let port = spy.rsplit(':').next().expect("a port");
    for (head, words) in [
        (
            format!("307 Go\r\nLocation: http://{spy}/"),
            "is no component in a registry",
        ),
        (
            format!("401 No\r\nWWW-Authenticate: Bearer realm=\"http://localhost:{port}/token\""),
            "status 401: log in",
        ),
    ] {
        let scratch = scratch();
        let host = hostile::serve(move |request, stream| {
            let is_asked = request.is_authorized() || !head.starts_with("307");
            let demand = "401 No\r\nWWW-Authenticate: Basic realm=\"tests\"";
            hostile::reply(stream, if is_asked { &head } else { demand }, b"");
        });
        let auth = format!(r#"{{"auths": {{"{host}": {{"auth": "YW5uOnNlY3JldA=="}}}}}}"#);
        scratch.write("docker/config.json", auth);
        refused(&scratch, &["inspect", &format!("oci://{host}/x:1")], words);
    }
}

#[test]
fn a_signal_ends_a_download() {
    for arguments in [
        &["train", "recipe.yaml"][..],
        &["check", "recipe.yaml"],
        &["lock", "recipe.yaml"],
        &["pull", "LOCATOR", "-o", "pulled.wasm"],
        &["inspect", "LOCATOR"],
        &["test", "LOCATOR", "--digest", "DIGEST"],
        &["publish", "clip.wasm", "oci://HOST/team/clip:1"],
    ] {
        ends_by_a_signal(arguments);
    }
}

fn ends_by_a_signal(arguments: &[&str]) {
    let scratch = scratch();
    let (sender, asked) = sync_channel(16);
    let host = hostile::serve(move |_, _| {
        let _ = sender.send(());
        sleep(LONGEST);
    });
    let digest = Digest::of(&clip());
    names(
        &scratch,
        &format!("{{wasm: 'http://{host}/clip.wasm', digest: 'sha256:{digest}'}}"),
    );
    let locator = format!("http://{host}/clip.wasm");
    let given = arguments.iter().map(|argument| {
        let argument = argument.replace("LOCATOR", &locator);
        let argument = argument.replace("DIGEST", &format!("sha256:{digest}"));
        argument.replace("HOST", &host)
    });
    let given: Vec<String> = given.collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let child = command(&scratch, "cache", &given).spawn();
    let child = child.expect("the binary starts");
    let began = asked.recv_timeout(LONGEST);
    scratch.signal(&child, "INT");
    let begun = Instant::now();
    let finished = scratch.finish(child);
    let said = format!("{arguments:?}: {}", finished.stderr);
    began.unwrap_or_else(|_| panic!("it does not download: {said}"));
    assert_eq!(finished.code, Some(130), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{said}");
    assert!(said.contains("a signal has ended the"), "{said}");
}
