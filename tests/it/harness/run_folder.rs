//! The folder that a run leaves: its summary, its log, its artifacts. Judges none of them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::device::test_device;

/// A run's folder.
pub(crate) struct Run(pub(crate) PathBuf);

impl Run {
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }

    pub(crate) fn summary(&self) -> Value {
        self.json("summary.json")
    }

    /// The summary's entry on the callback `name`.
    pub(crate) fn callback(&self, name: &str) -> Value {
        let summary = self.summary();
        let all = summary["plugins"].as_array().expect("a list of callbacks");
        all.iter()
            .find(|callback| callback["name"] == name)
            .expect("the callback is in the summary")
            .clone()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).expect("valid JSON")
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("text in UTF-8")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.0.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every value that was logged, in order, without the time.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let lines = self.text("metrics.jsonl");
        let values = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("one JSON object a line"));
        let timeless = values.map(|mut line: Value| {
            line.as_object_mut().expect("an object").remove("time");
            line
        });
        in_order(timeless.collect())
    }

    /// The lines that the stock callback `trace` wrote.
    pub(crate) fn trace(&self) -> String {
        self.text("artifacts/trace/trace.txt")
    }
}

/// The lines in an order that equal runs have in common. A value from a GPU is written when it arrives, which is no
/// certain place among the other lines; on the CPU it is there at once.
fn in_order(mut lines: Vec<Value>) -> Vec<Value> {
    if test_device().is_cuda() {
        lines.sort_by_key(|line| (line["step"].as_u64(), line.to_string()));
    }
    lines
}
