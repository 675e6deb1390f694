//! A disk that fails at one change of a process's files: `tests/faults/faults.c`, preloaded into a command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::repository;

/// How a change fails.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) what: &'static str,
    errno: i32,
    /// True if all later changes fail, too.
    lasts: bool,
}

/// One error of the device, and a disk that stays full.
pub(crate) const FAULTS: [Fault; 2] = [
    Fault {
        what: "a bad block",
        errno: 5,
        lasts: false,
    },
    Fault {
        what: "a full disk",
        errno: 28,
        lasts: true,
    },
];

/// The library, and the list of changes that it writes.
pub(crate) struct Disk {
    library: PathBuf,
    log: PathBuf,
}

impl Disk {
    /// Builds the library in a case's folder.
    pub(crate) fn new(folder: &Path) -> Disk {
        let library = folder.join("faults.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(repository("tests/faults/faults.c"))
            .arg("-ldl")
            .status();
        assert!(built.expect("a C compiler").success());
        let log = folder.join("changes");
        Disk { library, log }
    }

    /// Has the command fail at change `at` of the files whose paths hold `below`; at none if 0.
    pub(crate) fn fail(&self, command: &mut Command, below: &str, at: usize, fault: Fault) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAULT_LOG", &self.log)
            .env("FAULT_BELOW", below)
            .env("FAULT_AT", at.to_string())
            .env("FAULT_ERRNO", fault.errno.to_string());
        if fault.lasts {
            command.env("FAULT_LASTS", "1");
        }
    }

    /// The number of changes until now.
    pub(crate) fn changes(&self) -> usize {
        let log = fs::read_to_string(&self.log).expect("the library is at work");
        log.lines().count()
    }
}
