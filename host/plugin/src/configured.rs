//! A callback as its parameters have made it: the phases that it wants of those that it exports, and the text that it runs,
//! if it is an interpreter. Owns what `describe-configured` may answer.

use anyhow::{Context as _, Result, bail};
use phasebox_component::Configured;
use phasebox_contract::digest::Digest;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::printable::{excerpt, one_line};
use phasebox_contract::{small_json, suggest};

use crate::error::clip;
use crate::plugin::Plugin;

/// The code that a plugin runs, as people know it: a file, and the digest of its bytes.
#[derive(Clone, Debug)]
pub struct Code {
    /// A path, or another name.
    pub source: String,
    /// The digest of the component, or of the script that it interprets.
    pub sha256: Digest,
}

impl Plugin {
    /// Asks the guest what its parameters have made of it, and calls it at no other phases from now on. Empty if it does
    /// not export `describe-configured`.
    ///
    /// # Errors
    /// If the call traps, or the answer is not the JSON that the contract asks for.
    pub fn describe_configured(&mut self) -> Result<Configured> {
        let Some(text) = self.instance.describe_configured()? else {
            return Ok(Configured::default());
        };
        let read = small_json::parse_object::<Configured>(&text);
        let refusal = || {
            let (name, text) = (&self.settings.name, one_line(clip(&text)));
            format!(
                "callback `{name}`: `describe-configured` must give the JSON of wit/callback.wit, not `{text}`"
            )
        };
        let configured = read.with_context(refusal)?;
        if let Some(names) = &configured.phases {
            let narrowed = narrowed(self.component.phases, names);
            self.phases = narrowed.with_context(refusal)?;
        }
        Ok(configured)
    }

    /// Tells under which name and digest the plugin's code is known: for a callback that interprets a script, the
    /// script's. Its state in a checkpoint bears that digest.
    pub fn runs(&mut self, code: Code) {
        self.code = code;
    }
}

/// The phases of `names`, all of which must be exported.
fn narrowed(exported: PhaseSet, names: &[String]) -> Result<PhaseSet> {
    let mut phases = PhaseSet::default();
    for name in names {
        let Some(phase) = Phase::from_name(name) else {
            let known = Phase::ALL.map(Phase::name);
            let (name, hint) = (excerpt(name), suggest::hint(name, &known));
            bail!("no phase is called `{name}`{hint}");
        };
        if !exported.contains(phase) {
            bail!("it does not export `{phase}`");
        }
        phases.insert(phase);
    }
    Ok(phases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_narrowed_to_those_that_are_exported() {
        let exported: PhaseSet = [Phase::EpochEnd, Phase::EpochStart].into_iter().collect();
        for (names, expected) in [
            (vec![], Ok(vec![])),
            (vec!["on-epoch-end"], Ok(vec![Phase::EpochEnd])),
            (vec!["on-epoch-ends"], Err("did you mean `on-epoch-end`?")),
            (vec!["on-exception"], Err("does not export `on-exception`")),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            match (narrowed(exported, &names), expected) {
                (Ok(phases), Ok(expected)) => {
                    assert_eq!(phases.iter().collect::<Vec<_>>(), expected);
                }
                (Err(error), Err(expected)) => {
                    assert!(format!("{error:#}").contains(expected), "{error:#}");
                }
                (found, _) => panic!("{names:?}: {found:?}"),
            }
        }
    }
}
