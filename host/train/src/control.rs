//! What callbacks have asked the trainer to do: the verbs of the contract, merged by strength. Owns who
//! asked and why; obeying is the trainer's part.

use std::sync::Arc;

use torch_ext::Deferred;

/// Who asked for something, and why.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ask {
    /// The verb, such as "stop-training".
    pub verb: String,
    /// The callback's name, or "recipe".
    pub by: String,
    /// In the asker's words.
    pub reason: String,
    /// Optimizer steps done by then.
    pub global_step: u64,
}

/// When a stop takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopAt {
    /// At the end of the epoch, validation included.
    Epoch,
    /// After the next optimizer step.
    Step,
    /// After the batch in progress.
    Batch,
}

/// A stop that depends on a value still on its way.
pub struct StopCondition {
    /// The value.
    pub value: Deferred,
    /// Stop above this, or at a value that is not finite if none.
    pub threshold: Option<f64>,
    /// What to record if it holds.
    pub ask: Ask,
}

/// Everything asked for and not yet obeyed, and the history of it.
#[derive(Default)]
pub struct Control {
    /// The callback whose call is in progress.
    pub asking: Option<Arc<str>>,
    /// For [`Ask::global_step`].
    pub global_step: u64,
    /// Ends the run as failed.
    pub abort: Option<Ask>,
    /// Ends training; the earliest moment wins.
    pub stop: Option<(StopAt, Ask)>,
    /// Ends the epoch's training part.
    pub stop_epoch: bool,
    /// Neither forward nor backward for this batch.
    pub skip_batch: bool,
    /// No backward for this batch.
    pub skip_backward: bool,
    /// Gradients are cleared instead of used.
    pub skip_step: bool,
    /// A validation pass after this batch.
    pub validate: bool,
    /// Tags of checkpoints to write after this batch.
    pub checkpoints: Vec<String>,
    /// Batches an optimizer step, from the next step on.
    pub accumulation: Option<u32>,
    /// The callback in progress wants no more calls.
    pub disable_self: bool,
    /// Stops that wait for their value.
    pub conditions: Vec<StopCondition>,
    /// All that was asked for, in order, for the summary. The first [`HISTORY`] are kept.
    pub history: Vec<Ask>,
    /// How many more there were.
    pub unrecorded: u64,
    /// What was asked for before the call in progress, once it asks for something.
    before: Option<Box<Before>>,
}

/// What a call that fails is undone to.
struct Before {
    abort: Option<Ask>,
    stop: Option<(StopAt, Ask)>,
    stop_epoch: bool,
    skip: (bool, bool, bool),
    validate: bool,
    accumulation: Option<u32>,
    disable_self: bool,
    checkpoints: usize,
    conditions: usize,
    history: usize,
    unrecorded: u64,
}

/// Asks that are kept one by one: a callback that skips every batch must not fill the memory.
const HISTORY: usize = 1000;

impl Control {
    /// Records that the callback in progress asks for `verb`.
    pub fn ask(&mut self, verb: &str, reason: &str) -> Ask {
        let ask = self.unrecorded_ask(verb, reason);
        if self.history.len() < HISTORY {
            self.history.push(ask.clone());
        } else {
            self.unrecorded += 1;
        }
        ask
    }

    /// A callback's call is over. What a call asked for that failed is forgotten; gives the verbs.
    pub fn end_call(&mut self, succeeded: bool) -> Vec<String> {
        match self.before.take() {
            Some(before) if !succeeded => self.undo(*before),
            _ => Vec::new(),
        }
    }

    fn as_it_is(&self) -> Before {
        Before {
            abort: self.abort.clone(),
            stop: self.stop.clone(),
            stop_epoch: self.stop_epoch,
            skip: (self.skip_batch, self.skip_backward, self.skip_step),
            validate: self.validate,
            accumulation: self.accumulation,
            disable_self: self.disable_self,
            checkpoints: self.checkpoints.len(),
            conditions: self.conditions.len(),
            history: self.history.len(),
            unrecorded: self.unrecorded,
        }
    }

    fn undo(&mut self, before: Before) -> Vec<String> {
        self.abort = before.abort;
        self.stop = before.stop;
        self.stop_epoch = before.stop_epoch;
        (self.skip_batch, self.skip_backward, self.skip_step) = before.skip;
        self.validate = before.validate;
        self.accumulation = before.accumulation;
        self.disable_self = before.disable_self;
        self.checkpoints.truncate(before.checkpoints);
        let conditions = self
            .conditions
            .drain(before.conditions..)
            .map(|condition| condition.ask);
        let mut asked: Vec<Ask> = conditions.collect();
        asked.splice(0..0, self.history.drain(before.history..));
        self.unrecorded = before.unrecorded;
        let mut verbs: Vec<String> = asked.into_iter().map(|ask| ask.verb).collect();
        verbs.dedup();
        verbs
    }

    /// The same, for whoever records it when it comes true.
    pub fn unrecorded_ask(&mut self, verb: &str, reason: &str) -> Ask {
        if self.asking.is_some() && self.before.is_none() {
            self.before = Some(Box::new(self.as_it_is()));
        }
        let by = self.asking.as_deref().unwrap_or("recipe").to_owned();
        Ask {
            verb: verb.to_owned(),
            by,
            reason: reason.to_owned(),
            global_step: self.global_step,
        }
    }

    /// Asks to stop training; an earlier stop than one already asked for replaces it.
    pub fn stop_training(&mut self, at: StopAt, reason: &str) {
        let ask = self.ask("stop-training", reason);
        self.merge_stop(at, ask);
    }

    fn merge_stop(&mut self, at: StopAt, ask: Ask) {
        if self
            .stop
            .as_ref()
            .is_none_or(|(standing, _)| at > *standing)
        {
            self.stop = Some((at, ask));
        }
    }

    /// Whether training is to end now, given what has just been completed.
    pub fn stops_after(&self, completed: StopAt) -> bool {
        self.abort.is_some() || self.stop.as_ref().is_some_and(|(at, _)| *at >= completed)
    }

    /// Looks at the conditions whose value has arrived; never waits.
    ///
    /// # Errors
    /// If the device failed while the value was on its way.
    pub fn check_conditions(&mut self) -> Result<(), torch_ext::Error> {
        let mut waiting = Vec::new();
        for mut condition in std::mem::take(&mut self.conditions) {
            match condition.value.poll()? {
                None => waiting.push(condition),
                Some(value) if condition.holds(value) => {
                    self.history.push(condition.ask.clone());
                    self.merge_stop(StopAt::Batch, condition.ask);
                }
                Some(_) => {}
            }
        }
        self.conditions = waiting;
        Ok(())
    }

    /// Forgets what holds for one batch only.
    pub fn begin_batch(&mut self) {
        (self.skip_batch, self.skip_backward, self.skip_step) = (false, false, false);
    }
}

impl StopCondition {
    fn holds(&self, value: f64) -> bool {
        self.threshold
            .map_or(!value.is_finite(), |threshold| value > threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_stop_wins_and_all_are_remembered() {
        let mut control = Control::default();
        for (at, reason) in [
            (StopAt::Epoch, "patience"),
            (StopAt::Batch, "not finite"),
            (StopAt::Step, "late"),
        ] {
            control.stop_training(at, reason);
        }
        let (at, ask) = control.stop.clone().unwrap();
        assert_eq!(
            (at, ask.reason.as_str(), control.history.len()),
            (StopAt::Batch, "not finite", 3)
        );
        assert!(control.stops_after(StopAt::Batch) && control.stops_after(StopAt::Epoch));
    }

    #[test]
    fn what_a_failed_call_asked_for_is_forgotten() {
        let mut control = Control {
            asking: Some("first".into()),
            ..Control::default()
        };
        control.stop_training(StopAt::Epoch, "patience");
        assert!(control.end_call(true).is_empty());
        control.stop_training(StopAt::Batch, "not finite");
        control.ask("skip-batch", "");
        control.skip_batch = true;
        assert_eq!(control.end_call(false), ["stop-training", "skip-batch"]);
        assert!(!control.skip_batch);
        assert_eq!(
            (control.stop.map(|(at, _)| at), control.history.len()),
            (Some(StopAt::Epoch), 1)
        );
    }

    #[test]
    fn a_stop_at_the_epoch_lets_its_batches_finish() {
        let mut control = Control::default();
        control.stop_training(StopAt::Epoch, "patience");
        assert!(!control.stops_after(StopAt::Batch) && !control.stops_after(StopAt::Step));
        assert!(control.stops_after(StopAt::Epoch));
    }
}
