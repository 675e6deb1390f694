//! Tools on the author's own PATH: whether they are of a version that builds what the pinned ones build.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;

use crate::folders::on_path;

/// The longest that a tool may take to tell its version, and the most that is heard.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_BYTES: u64 = 4 << 10;

/// The versions of a tool that will do.
#[derive(Debug, Deserialize)]
pub(crate) struct OwnTool {
    /// The arguments that make it tell its version.
    asks: Vec<String>,
    /// The first version that will do: `[22, 13]`.
    from: [u32; 2],
    /// The first version that will not do any more.
    before: Option<[u32; 2]>,
}

/// A tool on the PATH.
pub(crate) enum Found {
    Nothing,
    /// One of a version that will do.
    Fits,
    /// One that will not do, as it calls itself.
    Other(String),
}

impl OwnTool {
    /// The tool of a name on the PATH.
    pub(crate) fn look(&self, name: &str) -> Found {
        let Some(program) = on_path(name) else {
            return Found::Nothing;
        };
        match version(&asked(&program, &self.asks)) {
            Some(version) if self.takes(version) => Found::Fits,
            Some([major, minor]) => Found::Other(format!("{major}.{minor}")),
            None => Found::Other("a program that tells no version".to_owned()),
        }
    }

    fn takes(&self, version: [u32; 2]) -> bool {
        version >= self.from && self.before.is_none_or(|before| version < before)
    }

    /// The versions in words: `22.13 or later`.
    pub(crate) fn in_words(&self) -> String {
        let [major, minor] = self.from;
        let mut words = format!("{major}.{minor} or later");
        if let Some([major, minor]) = self.before {
            let _ = write!(words, ", before {major}.{minor}");
        }
        words
    }
}

/// The beginning of what a program says, in the time that it may take.
fn asked(program: &Path, arguments: &[String]) -> String {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        return String::new();
    };
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take();
    thread::spawn(move || {
        let mut told = Vec::new();
        let mut output = output.map(|output| output.take(MOST_BYTES));
        // What came before an error is enough.
        let _ = output.as_mut().map(|output| output.read_to_end(&mut told));
        let _ = sender.send(told);
    });
    let told = receiver.recv_timeout(LONGEST).unwrap_or_default();
    // It has told its version, or has had its time.
    let _ = child.kill();
    let _ = child.wait();
    String::from_utf8_lossy(&told).into_owned()
}

/// The first two numbers with a dot between them.
fn version(told: &str) -> Option<[u32; 2]> {
    let numbers = Regex::new(r"(\d+)\.(\d+)").ok()?;
    let found = numbers.captures(told)?;
    Some([found[1].parse().ok()?, found[2].parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_numbers_are_the_version() {
        let own = OwnTool {
            asks: Vec::new(),
            from: [1, 24],
            before: Some([2, 0]),
        };
        for (told, expected, fits) in [
            ("go version go1.27.3 linux/amd64", Some([1, 27]), true),
            ("1.24", Some([1, 24]), true),
            ("v20.20.2\n", Some([20, 20]), false),
            ("1.9.1", Some([1, 9]), false),
            ("go", None, false),
        ] {
            assert_eq!(version(told), expected, "{told}");
            assert_eq!(version(told).is_some_and(|found| own.takes(found)), fits);
        }
        assert_eq!(own.in_words(), "1.24 or later, before 2.0");
    }
}
