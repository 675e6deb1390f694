//! Grants at the border to a guest: the refusal that names what to add to the recipe, and what a grant lets
//! a callback change in a recorded step. The grants themselves are the contract's.

use phasebox_contract::grants::{Grant, Grants};
use phasebox_train::callback::Changes;

use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};

/// Refuses what the recipe does not grant.
pub(crate) fn require(grants: Grants, grant: Grant) -> HostResult<()> {
    if grants.has(grant) {
        return Ok(());
    }
    let (name, allows) = (grant.name(), grant.allows());
    refuse(
        ErrorCode::Denied,
        format!(
            "the recipe does not let this callback {allows}; add `grants: [{name}]` to its entry"
        ),
    )
}

/// The parts of a batch that a callback with these grants may change.
pub(crate) fn changes(grants: Grants) -> Changes {
    Changes {
        inputs: grants.has(Grant::Inputs),
        target: grants.has(Grant::Target),
        loss: grants.has(Grant::Loss),
        criterion: grants.has(Grant::Criterion),
        parameters: grants.has(Grant::Parameters),
        gradients: grants.has(Grant::Gradients),
        optimizer: grants.has(Grant::Optimizer),
        skip: grants.has(Grant::Skip),
        passes: grants.has(Grant::Passes),
    }
}
