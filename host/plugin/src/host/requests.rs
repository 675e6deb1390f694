//! The requests of a callback to the trainer: stop, skip, validate, save, accumulate. Each is noted
//! in `Control` with its origin and its reason; obeying it is the trainer's part.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_contract::phase::Phase;
use phasebox_contract::printable::one_line;
use phasebox_train::control::{Control, Request, StopAt, StopCondition};
use torch_ext::Deferred;
use wasmtime::component::Resource;

use super::argument_checks::{check_one_element, check_word};
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::TensorHandle;
use crate::state::PluginState;

/// The most conditional stops that may wait for their value at once, over all callbacks.
const MAX_CONDITIONS: usize = 256;
/// The longest tag of a checkpoint, in bytes.
const MAX_TAG_BYTES: usize = 64;

/// The phases at which `skip-backward` still comes in time.
pub(super) const BEFORE_BACKWARD: &[Phase] =
    Phase::between(Phase::TrainBatchStart, Phase::TrainBatchLossEnd);
/// The phases at which `skip-step` still comes in time.
pub(super) const BEFORE_STEP: &[Phase] =
    Phase::between(Phase::TrainBatchStart, Phase::TrainBatchGradientReady);

impl PluginState {
    /// Notes that the callback asks for `verb`, then lets `effect` put the request into force.
    pub(super) fn request(
        &mut self,
        verb: &str,
        reason: &str,
        effect: impl FnOnce(&mut Control, Request),
    ) -> HostResult<()> {
        let control = &mut self.context()?.control;
        let request = control.request(verb, &one_line(reason));
        effect(control, request);
        Ok(())
    }

    /// Refuses a verb at a phase where it would come too late to be obeyed.
    pub(super) fn only_at(&mut self, verb: &str, phases: &[Phase]) -> HostResult<()> {
        let phase = self.context()?.phase;
        if phases.contains(&phase) {
            return Ok(());
        }
        let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
        let names = names.join(", ");
        refuse(
            ErrorCode::NotAvailable,
            format!("`{verb}` has no effect at {phase}; it works at {names}"),
        )
    }

    /// Asks to stop when `value` is above `threshold`, or not finite if there is no threshold. Does not sync.
    pub(super) fn request_stop_if(
        &mut self,
        value: &Resource<TensorHandle>,
        threshold: Option<f64>,
        reason: &str,
    ) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let tensor = self.tensor(value)?;
        check_one_element(tensor)?;
        let value = Deferred::new(tensor)?;
        let control = &mut self.context()?.control;
        if control.conditions.len() >= MAX_CONDITIONS {
            return refuse(
                ErrorCode::QuotaExceeded,
                format!("{MAX_CONDITIONS} conditional stops are waiting already"),
            );
        }
        let verb = match threshold {
            Some(_) => "stop-if-above",
            None => "stop-if-nonfinite",
        };
        // The history gets it when the condition holds, not when it is asked for.
        let request = control.silent_request(verb, &one_line(reason));
        let condition = StopCondition { threshold, request };
        control.conditions.push(value, condition);
        Ok(())
    }

    /// Asks for a checkpoint under `tag`, once for all requests of the same tag.
    pub(super) fn request_checkpoint_as(&mut self, tag: String) -> HostResult<()> {
        check_tag(&tag)?;
        if !self.tags.contains(&tag) {
            self.charge(Limit::CheckpointTags, 1)?;
            self.tags.insert(tag.clone());
        }
        let control = &mut self.context()?.control;
        control.request("request-checkpoint", &tag);
        if !control.checkpoints.contains(&tag) {
            control.checkpoints.push(tag);
        }
        Ok(())
    }
}

/// The moment that `request-stop` names.
pub(super) fn stop_at(name: &str) -> HostResult<StopAt> {
    check_word(name)?;
    match name {
        "batch" => Ok(StopAt::Batch),
        "step" => Ok(StopAt::Step),
        "epoch" => Ok(StopAt::Epoch),
        other => {
            let other = clip(other);
            refuse(
                ErrorCode::InvalidArgument,
                format!("stop at \"batch\", \"step\" or \"epoch\", not `{other}`"),
            )
        }
    }
}

fn check_tag(tag: &str) -> HostResult<()> {
    check_word(tag)?;
    if tag.is_empty() || tag.len() > MAX_TAG_BYTES || !tag.chars().all(is_plain) {
        let tag = clip(tag);
        return refuse(
            ErrorCode::InvalidArgument,
            format!("`{tag}` is no tag: 1 to {MAX_TAG_BYTES} letters, digits, `_` or `-`"),
        );
    }
    if is_reserved(tag) {
        return refuse(
            ErrorCode::InvalidArgument,
            format!("the trainer itself writes `ckpt_{tag}`: choose another tag"),
        );
    }
    Ok(())
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '-'
}

/// Tags of the trainer's own checkpoints. A callback that could use them would decide which model is best.
fn is_reserved(tag: &str) -> bool {
    ["latest", "best", "error"].contains(&tag)
        || tag.starts_with("best_")
        || tag.starts_with("epoch_")
}
