//! Arbitrary traces, and a native callback that looks at everything while it is fed with one.

use std::path::Path;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options, ProcessCache};
use phasebox_contract::grants::Grant;
use phasebox_contract::grants::Grants;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_contract::printable;
use phasebox_train::callback::{Callback, CallbackReport};
use phasebox_train::context::{Context, Lendable};
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::RunFolder;
use phasebox_train::trace::{Replayed, TraceFile};
use tch::{Kind, Tensor};

use crate::cost::{Memory, within};
use crate::files;
use crate::training::{Variant, recipe};

/// The file that an input begins with, and the one that it must have beside it.
const EVENTS: &str = "events.jsonl";
const TENSORS: &str = "tensors.bin";
/// Lines and values, each of which takes some thirty bytes once it is parsed.
const OF_TRACE: Memory = Memory {
    free: 1 << 18,
    each: 60,
};

/// Feeds a callback with the trace of an input. Returns true if it was called.
///
/// # Panics
/// If a trace is read with more memory or time than its size allows, or if lines of a replay have characters that a terminal
/// obeys.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the trace");
    let files = files::files(bytes, EVENTS);
    files::write(folder.path(), TENSORS, &[]);
    for (name, bytes) in &files {
        files::write(folder.path(), name, bytes);
    }
    let opened = within(OF_TRACE, bytes.len(), || TraceFile::open(folder.path()));
    let Ok(trace) = opened else {
        return false;
    };
    let phases = trace.len() as u64;
    let Ok(replayed) = replay(trace, folder.path()) else {
        return false;
    };
    assert!(replayed.phases <= phases, "it has no more phases");
    for line in &replayed.asked {
        let shown = printable::shown(line).to_string();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
    replayed.phases > 0
}

fn replay(trace: TraceFile, folder: &Path) -> Result<Replayed> {
    tch::set_num_threads(1);
    let recipe = recipe(Variant::PLAIN);
    let mut assembly = Assembly::with(&recipe, Options::default(), &mut ProcessCache::default())
        .expect("the recipe is right");
    assembly.add_callback(Box::new(Looks), When::default(), OnError::Abort);
    let logs = RunFolder::create(folder, "replay").expect("a folder can be made");
    let replay = assembly.replay(trace, folder, &logs)?;
    replay.run(&Interrupt::ignored())
}

/// Reads all tensors that it is lent, and may change each.
struct Looks;

impl Callback for Looks {
    fn name(&self) -> &str {
        "looks"
    }

    fn phases(&self) -> PhaseSet {
        PhaseSet::ALL
    }

    fn on_phase(&mut self, _phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let batch = [&context.inputs, &context.target, &context.preds];
        let batch = batch.into_iter().flatten().flat_map(|items| items.iter(""));
        batch.map(|(_, tensor)| tensor).try_for_each(look)?;
        let losses = [&context.loss, &context.loss_log_items];
        losses.into_iter().flatten().try_for_each(look)?;
        for (_, parameter) in context.net.parameters() {
            look(parameter)?;
            let gradient = parameter.grad();
            if gradient.defined() {
                look(&gradient)?;
            }
        }
        Ok(())
    }

    fn report(&self) -> CallbackReport {
        let grants: Grants = Grant::ALL.iter().copied().collect();
        CallbackReport {
            name: self.name().to_owned(),
            grants: grants.names().into_iter().map(str::to_owned).collect(),
            ..CallbackReport::default()
        }
    }
}

fn look(tensor: &Tensor) -> Result<()> {
    let _ = tensor.f_detach()?.f_sum(Kind::Double)?;
    Ok(())
}
