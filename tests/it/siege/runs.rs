//! Runs of strangers: a manifest, a summary, a log and a lock that are small and become much, or say what is not so.

use super::Row;
use super::act::{LOCK, LOG, MANIFEST, SUMMARY};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a manifest of two million objects",
        file: || values("{\"schema\":3,\"files\":", 2_000_000, "}"),
        act: &MANIFEST,
        expect: (2, "values, and at most 1048576 are read"),
    },
    Row {
        name: "a manifest of lists in lists",
        file: || deep("{\"files\":"),
        act: &MANIFEST,
        expect: (2, "checkpoint.json"),
    },
    Row {
        name: "a manifest of 40 MB",
        file: || vec![b' '; 40_000_000],
        act: &MANIFEST,
        expect: (2, "at most 33554432 are read"),
    },
    Row {
        name: "a manifest of nothing",
        file: || b"{}".to_vec(),
        act: &MANIFEST,
        expect: (2, "checkpoint.json"),
    },
    Row {
        name: "a manifest that names a device",
        file: || {
            br#"{"schema":3,"files":{"../../../../dev/zero":{"sha256":"0","bytes":1}}}"#.to_vec()
        },
        act: &MANIFEST,
        expect: (2, "checkpoint.json"),
    },
    Row {
        name: "a summary of two million objects",
        file: || values("{\"epochs\":", 2_000_000, "}"),
        act: &SUMMARY,
        expect: (1, "values, and at most 1048576 are read"),
    },
    Row {
        name: "a summary of lists in lists",
        file: || deep("{\"epochs\":"),
        act: &SUMMARY,
        expect: (1, "summary.json"),
    },
    Row {
        name: "a summary of 70 MB",
        file: || vec![b' '; 70_000_000],
        act: &SUMMARY,
        expect: (1, "at most 67108864 are read"),
    },
    Row {
        name: "a summary of 100,000 callbacks",
        file: || values("{\"plugins\":", 100_000, "}"),
        act: &SUMMARY,
        expect: (1, "summary.json"),
    },
    Row {
        name: "a log of one line of 20 MB",
        file: || vec![b'x'; 20_000_000],
        act: &LOG,
        expect: (0, "completed after 3 epochs"),
    },
    Row {
        name: "a log of ten million lines",
        file: || b"{}\n".repeat(10_000_000),
        act: &LOG,
        expect: (0, "completed after 3 epochs"),
    },
    Row {
        name: "a log of zeros",
        file: || vec![0; 20_000_000],
        act: &LOG,
        expect: (0, "completed after 3 epochs"),
    },
    Row {
        name: "a log of steps that are not yet",
        file: || b"{\"step\":18446744073709551615,\"name\":\"x\",\"value\":1}\n".repeat(200_000),
        act: &LOG,
        expect: (0, "completed after 3 epochs"),
    },
    Row {
        name: "a log without an end of a line",
        file: || b"{\"step\":1,".repeat(1_000_000),
        act: &LOG,
        expect: (0, "completed after 3 epochs"),
    },
    Row {
        name: "a lock of two million objects",
        file: || values("{\"schema\":2,\"callbacks\":", 2_000_000, "}"),
        act: &LOCK,
        expect: (2, "recipe.plugins.lock"),
    },
    Row {
        name: "a lock of lists in lists",
        file: || deep("{\"schema\":2,\"callbacks\":"),
        act: &LOCK,
        expect: (2, "recipe.plugins.lock"),
    },
    Row {
        name: "a lock of 70 MB",
        file: || vec![b' '; 70_000_000],
        act: &LOCK,
        expect: (2, "recipe.plugins.lock"),
    },
    Row {
        name: "a lock of a later form",
        file: || br#"{"schema": 18446744073709551615, "callbacks": []}"#.to_vec(),
        act: &LOCK,
        expect: (2, "recipe.plugins.lock"),
    },
    Row {
        name: "a lock of a callback that nobody has",
        file: || {
            br#"{"schema": 2, "callbacks": [{"name": "x", "source": "../../../../dev/zero", "sha256": "0", "interface": "x", "version": "1", "grants": []}]}"#.to_vec()
        },
        act: &LOCK,
        expect: (2, "recipe.plugins.lock"),
    },
];

/// A million and more values in three bytes each.
fn values(before: &str, count: usize, after: &str) -> Vec<u8> {
    format!("{before}[{}0]{after}", "{},".repeat(count)).into()
}

/// Lists in lists.
fn deep(before: &str) -> Vec<u8> {
    format!("{before}{}", "[".repeat(1_000_000)).into()
}
