//! The requests of callbacks to the trainer: the verbs of the contract, merged by strength. Owns the requester and the
//! reason of each; fulfilling them is the trainer's part.

use std::sync::Arc;

use torch_ext::DeferredQueue;

/// A request of a callback: the verb, the callback and the reason.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// The verb, such as "stop-training".
    pub verb: String,
    /// The callback's name, or "recipe".
    pub by: String,
    /// The reason, in the callback's words.
    pub reason: String,
    /// Optimizer steps done by then.
    pub global_step: u64,
}

/// The moment at which a stop takes effect.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
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
    /// The run stops above this, or at a value that is not finite if there is none.
    pub threshold: Option<f64>,
    /// The request to record if the condition holds.
    pub request: Request,
}

/// Everything that was requested and is not yet done, and the history of it.
#[derive(Default)]
pub struct Control {
    /// The callback whose call is in progress.
    pub caller: Option<Arc<str>>,
    /// The step that requests are recorded with.
    pub global_step: u64,
    /// Ends the run as failed.
    pub abort: Option<Request>,
    /// Ends training; the earliest moment wins.
    pub stop: Option<(StopAt, Request)>,
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
    /// Batches an optimizer step is to have, from the next step on.
    pub accumulation: Option<u32>,
    /// The callback in progress wants no more calls.
    pub disable_self: bool,
    /// Stops that wait for their value.
    pub conditions: DeferredQueue<StopCondition>,
    /// The requests in their order, for the summary: the first [`HISTORY`] of them.
    pub history: Vec<Request>,
    /// How many more there were.
    pub unrecorded: u64,
    /// All requests from before the call in progress, once that makes one.
    before: Option<Box<Before>>,
}

/// The requests that stand when a call fails.
struct Before {
    abort: Option<Request>,
    stop: Option<(StopAt, Request)>,
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

/// Requests that are kept one by one: a callback that skips every batch must not fill the memory.
const HISTORY: usize = 1000;

impl Control {
    /// Records that the callback in progress requests `verb`.
    pub fn request(&mut self, verb: &str, reason: &str) -> Request {
        let request = self.silent_request(verb, reason);
        if self.history.len() < HISTORY {
            self.history.push(request.clone());
        } else {
            self.unrecorded += 1;
        }
        request
    }

    /// A request that is not recorded now, but when its condition comes true.
    pub fn silent_request(&mut self, verb: &str, reason: &str) -> Request {
        if self.caller.is_some() && self.before.is_none() {
            self.before = Some(Box::new(self.standing()));
        }
        let by = self.caller.as_deref().unwrap_or("recipe").to_owned();
        Request {
            verb: verb.to_owned(),
            by,
            reason: reason.to_owned(),
            global_step: self.global_step,
        }
    }

    /// True if the call in progress has made a request.
    #[inline]
    pub(crate) fn has_requests(&self) -> bool {
        self.before.is_some()
    }

    /// Ends a callback's call. The requests of a call that failed are dropped; answers their verbs.
    pub(crate) fn end_call(&mut self, succeeded: bool) -> Vec<String> {
        match self.before.take() {
            Some(before) if !succeeded => self.return_to(*before),
            _ => Vec::new(),
        }
    }

    fn standing(&self) -> Before {
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

    /// Drops every later request; answers their verbs.
    fn return_to(&mut self, before: Before) -> Vec<String> {
        self.abort = before.abort;
        self.stop = before.stop;
        self.stop_epoch = before.stop_epoch;
        (self.skip_batch, self.skip_backward, self.skip_step) = before.skip;
        self.validate = before.validate;
        self.accumulation = before.accumulation;
        self.disable_self = before.disable_self;
        self.checkpoints.truncate(before.checkpoints);
        self.unrecorded = before.unrecorded;
        let mut dropped = self.history.split_off(before.history);
        let conditions = self.conditions.truncate(before.conditions);
        dropped.extend(conditions.into_iter().map(|condition| condition.request));
        let mut verbs: Vec<String> = dropped.into_iter().map(|request| request.verb).collect();
        verbs.dedup();
        verbs
    }

    /// Requests the end of training. A stop that comes earlier replaces one that stands.
    pub fn stop_training(&mut self, at: StopAt, reason: &str) {
        let request = self.request("stop-training", reason);
        self.merge_stop(at, request);
    }

    fn merge_stop(&mut self, at: StopAt, request: Request) {
        let standing = self.stop.as_ref().map(|(at, _)| *at);
        if standing.is_none_or(|standing| at > standing) {
            self.stop = Some((at, request));
        }
    }

    /// The stop that is due after `completed`.
    pub(crate) fn stop_after(&self, completed: StopAt) -> Option<&Request> {
        let (at, request) = self.stop.as_ref()?;
        (*at >= completed).then_some(request)
    }

    /// Looks at the conditions whose value has arrived. Never syncs.
    ///
    /// # Errors
    /// If the device failed while a value was on its way.
    pub(crate) fn check_conditions(&mut self) -> torch_ext::Result<()> {
        while let Some((value, condition)) = self.conditions.pop_arrived()? {
            if condition.holds(value) {
                self.history.push(condition.request.clone());
                self.merge_stop(StopAt::Batch, condition.request);
            }
        }
        Ok(())
    }

    /// Forgets the requests that hold for one batch only.
    pub(crate) fn begin_batch(&mut self) {
        self.skip_batch = false;
        self.skip_backward = false;
        self.skip_step = false;
    }
}

impl StopCondition {
    fn holds(&self, value: f64) -> bool {
        match self.threshold {
            Some(threshold) => value > threshold,
            None => !value.is_finite(),
        }
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
        let request = control.stop_after(StopAt::Batch).unwrap();
        assert_eq!(request.reason, "not finite");
        assert_eq!(control.stop_after(StopAt::Epoch), Some(request));
        assert_eq!(control.history.len(), 3);
    }

    #[test]
    fn the_requests_of_a_failed_call_are_dropped() {
        let mut control = Control {
            caller: Some("first".into()),
            ..Control::default()
        };
        control.stop_training(StopAt::Epoch, "patience");
        assert!(control.end_call(true).is_empty());
        control.stop_training(StopAt::Batch, "not finite");
        control.request("skip-batch", "");
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
        assert_eq!(control.stop_after(StopAt::Batch), None);
        assert_eq!(control.stop_after(StopAt::Step), None);
        assert!(control.stop_after(StopAt::Epoch).is_some());
    }
}
