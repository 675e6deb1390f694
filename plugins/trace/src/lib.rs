//! Writes one line for each phase. It subscribes to all phases: use it to look at a run, not in every run.

use phasebox_sdk::PHASES;
use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Logs every phase with its epoch, batch and step, and writes the lines to `trace.txt` if asked.
#[derive(Parameters)]
struct Trace {
    /// Names of phases, or beginnings followed by `*`; by default all.
    #[default(Vec::new())]
    phases: Vec<String>,
    /// Also write the lines to `trace.txt` in the callback's folder when training ends.
    #[default(false)]
    artifact: bool,
    /// The most lines the artifact holds.
    #[default(100_000)]
    max_lines: usize,
    #[skip]
    lines: Vec<String>,
}

#[callback(grants = ["files"])]
impl Trace {
    fn configure(&mut self) -> Result<()> {
        let strange = self
            .phases
            .iter()
            .find(|pattern| !PHASES.iter().any(|phase| matches(pattern, phase)));
        match strange {
            Some(pattern) => Err(Error::invalid(format!(
                "parameter `phases`: no phase is called `{pattern}`"
            ))),
            None => Ok(()),
        }
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let has_test = !facts["loaders"]["test"].is_null();
        let comes = |phase: &str| has_test || !phase.starts_with("on-test-");
        let mut patterns = self.phases.iter();
        let never = patterns.find(|pattern| {
            let mut phases = PHASES.iter();
            !phases.any(|phase| comes(phase) && matches(pattern, phase))
        });
        match never {
            Some(pattern) => Err(Error::invalid(format!(
                "parameter `phases`: this run has no test set, and `{pattern}` never comes"
            ))),
            None => Ok(()),
        }
    }

    fn on_every_phase(&mut self, ctx: &PhaseContext) -> Result<()> {
        let phase = ctx.phase();
        if self.phases.is_empty() || self.phases.iter().any(|pattern| matches(pattern, &phase)) {
            let (epoch, batch, step) = ctx.position();
            self.add(line(&phase, epoch, batch, step));
        }
        if self.artifact && phase == "on-training-end" {
            return ctx
                .sg_logger()?
                .artifact("trace.txt", self.lines.join("\n").as_bytes());
        }
        Ok(())
    }

    fn add(&mut self, line: String) {
        info!("{line}");
        if self.artifact && self.lines.len() < self.max_lines {
            self.lines.push(line);
        }
    }
}

/// True if `pattern` names `phase`, or if `phase` begins with the text before the `*` of `pattern`.
fn matches(pattern: &str, phase: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => phase.starts_with(beginning),
        None => phase == pattern,
    }
}

/// `on-train-batch-end epoch=0 batch=3 step=4`, with `-` for an epoch or batch that does not exist.
fn line(phase: &str, epoch: Option<u32>, batch: Option<u64>, step: u64) -> String {
    let epoch = epoch.map_or("-".to_string(), |epoch| epoch.to_string());
    let batch = batch.map_or("-".to_string(), |batch| batch.to_string());
    format!("{phase} epoch={epoch} batch={batch} step={step}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_a_beginning() {
        for (pattern, phase, expected) in [
            ("on-epoch-end", "on-epoch-end", true),
            ("on-epoch", "on-epoch-end", false),
            ("on-train-*", "on-train-batch-end", true),
            ("on-train-*", "on-training-end", false),
            ("*", "on-exception", true),
        ] {
            assert_eq!(matches(pattern, phase), expected, "{pattern} on {phase}");
        }
    }

    #[test]
    fn a_line_is_the_same_in_every_run() {
        assert_eq!(
            line("on-train-batch-end", Some(0), Some(3), 4),
            "on-train-batch-end epoch=0 batch=3 step=4"
        );
        assert_eq!(
            line("on-training-start", None, None, 0),
            "on-training-start epoch=- batch=- step=0"
        );
    }
}
