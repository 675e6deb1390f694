//! Runs other programs, and says which step begins and which one failed. Knows no program by name.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail};

/// One line on standard error about the step that begins.
pub(crate) fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// Runs `command` on the user's terminal; `remedy` ends the error when it is missing or fails.
pub(crate) fn run(command: &mut Command, remedy: &str) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| not_started(command, &error, remedy))?;
    succeeded(command, status, remedy)
}

/// Runs `command` and returns its standard output. Its standard error goes to the terminal.
pub(crate) fn output(command: &mut Command, remedy: &str) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, &error, remedy))?;
    succeeded(command, output.status, remedy)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no UTF-8", name(command)))
}

/// True if `command` starts and succeeds. Prints nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Becomes `command`, with its last line and its exit code. Returns only if it cannot start.
pub(crate) fn become_command(command: &mut Command) -> Result<()> {
    let error = command.exec();
    Err(not_started(command, &error, "build it first"))
}

fn succeeded(command: &Command, status: ExitStatus, remedy: &str) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status}): {remedy}", name(command));
    }
    Ok(())
}

fn not_started(command: &Command, error: &std::io::Error, remedy: &str) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!("{} is not installed: {remedy}", name(command)),
        _ => anyhow!("{} did not start ({error}): {remedy}", name(command)),
    }
}

/// The program and its first arguments, which are enough to know the step and short enough to read.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let shown: Vec<_> = words
        .take(4)
        .map(|word| word.to_string_lossy())
        .filter(|word| word.len() < 80)
        .collect();
    format!("`{}`", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_program_and_the_remedy() {
        fn check(program: &str, expected: &str) {
            let error = run(&mut Command::new(program), "do this").expect_err("must fail");
            assert_eq!(error.to_string(), expected);
        }
        check("/bin/false", "`false` failed (exit status: 1): do this");
        check(
            "phasebox-no-such-program",
            "`phasebox-no-such-program` is not installed: do this",
        );
    }

    #[test]
    fn output_is_what_was_printed() -> Result<()> {
        assert_eq!(output(Command::new("echo").arg("torch"), "")?, "torch\n");
        assert!(works(&mut Command::new("true")) && !works(&mut Command::new("false")));
        Ok(())
    }
}
