//! Builds all that the benchmarks need, runs them, and gathers the rows that they print. Knows no row: a benchmark prints
//! each row as one line of JSON; its other lines are for people.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::say;
use crate::paths::Paths;
use crate::{libtorch, peers, plugins, wasm_std};

/// The choice of rows, and where they go.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Measure on the CPU, as without `--cuda`
    #[arg(long, conflicts_with = "cuda")]
    cpu: bool,
    /// Measure on a CUDA device in place of the CPU
    #[arg(long)]
    cuda: bool,
    /// Also time PyTorch and Lightning, in turn with phasebox
    #[arg(long)]
    peers: bool,
    /// Write the rows to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Cargo's profile: `dist` is what is shipped, and takes long to build
    #[arg(long, default_value = "release")]
    profile: String,
    /// Only rows whose name contains one of these
    filters: Vec<String>,
}

/// Ends by printing the table of all rows.
///
/// # Errors
/// A benchmark that failed.
pub(crate) fn run(paths: &Paths, arguments: &Arguments) -> Result<()> {
    libtorch::install(paths, arguments.cuda)?;
    wasm_std::install(paths)?;
    plugins::build(paths, true)?;
    let mut cargo = paths.cargo(&["bench", "--package", "phasebox", "--bench", "*"]);
    cargo
        .args(["--profile", &arguments.profile, "--"])
        .args(&arguments.filters);
    if arguments.cuda {
        cargo.arg("--cuda");
    }
    if arguments.peers {
        peers::offer(paths, &mut cargo)?;
    }
    let (rows, succeeded) = rows_of(&mut cargo)?;
    if let Some(file) = &arguments.json {
        write(file, &rows)?;
    }
    show(&rows);
    if succeeded {
        Ok(())
    } else {
        bail!("a benchmark failed: see its message above")
    }
}

/// Runs `command`, passes its output on and keeps the lines that are rows; also says if it succeeded.
fn rows_of(command: &mut Command) -> Result<(Vec<Value>, bool)> {
    let mut process = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo does not start")?;
    let lines = BufReader::new(process.stdout.take().context("cargo has no output")?).lines();
    let mut rows = Vec::new();
    for line in lines {
        let line = line?;
        match row(&line) {
            Some(row) => {
                say(&cells(&row).join("  "));
                rows.push(row);
            }
            None => eprintln!("{line}"),
        }
    }
    Ok((rows, process.wait()?.success()))
}

fn row(line: &str) -> Option<Value> {
    let row: Value = serde_json::from_str(line).ok()?;
    (row["name"].is_string() && row["value"].is_number()).then_some(row)
}

fn write(file: &Path, rows: &[Value]) -> Result<()> {
    let text = serde_json::to_string_pretty(rows)? + "\n";
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Prints the rows as a table, in the format of docs/benchmarks.md.
fn show(rows: &[Value]) {
    println!("| row | value | ratio | against | bar |\n| --- | --- | --- | --- | --- |");
    for row in rows {
        println!("| {} |", cells(row).join(" | "));
    }
}

fn cells(row: &Value) -> [String; 5] {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let name = format!("`{}`", text("name"));
    let value = format!("{} {}", shown(&row["value"]), text("unit"));
    let ratio = row["ratio"]
        .as_f64()
        .map_or(String::new(), |ratio| format!("{ratio:.2} ×"));
    [name, value, ratio, text("against"), text("bar")]
}

/// A number with the digits that mean something.
fn shown(value: &Value) -> String {
    let value = value.as_f64().unwrap_or(f64::NAN);
    let digits = if value.abs() >= 100.0 || value.fract() == 0.0 {
        0
    } else {
        2
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_other_lines() {
        for (line, expected) in [
            (
                r#"{"name":"a","value":1.25,"unit":"ns","against":"b","ratio":0.5,"bar":"at most 1 ×"}"#,
                Some(["`a`", "1.25 ns", "0.50 ×", "b", "at most 1 ×"]),
            ),
            (
                r#"{"name":"a","value":12345.6,"unit":"µs","against":null,"ratio":null}"#,
                Some(["`a`", "12346 µs", "", "", ""]),
            ),
            ("running 3 tests", None),
            ("{\"name\":3}", None),
        ] {
            let found = row(line).map(|row| cells(&row));
            assert_eq!(
                found,
                expected.map(|cells| cells.map(str::to_owned)),
                "{line}"
            );
        }
    }
}
