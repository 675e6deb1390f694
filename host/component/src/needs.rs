//! Functions of the contract that answer `denied` without a grant, and those of them that a component imports. What else a
//! grant decides, such as changes in place, no import tells.
//!
//! Toolchains of Rust, C, Zig, Go and AssemblyScript import what is called. Those of Python and JavaScript import the
//! contract whole, which tells nothing: then nothing is needed.

use phasebox_contract::grants::Grant;

/// A function with the grant that every call of it needs.
type Need = (&'static str, Grant);

/// The functions by their names in a component, in the order of the contract.
const NEEDS: [Need; 48] = [
    ("[method]tensor.item", Grant::Sync),
    ("[method]tensor.read-f32", Grant::Sync),
    ("[method]tensor.read-s64", Grant::Sync),
    ("[method]tensor.masked-select", Grant::Sync),
    ("[method]tensor.nonzero", Grant::Sync),
    ("[method]tensor.normal-in-place", Grant::Random),
    ("rand", Grant::Random),
    ("randn", Grant::Random),
    ("randperm", Grant::Random),
    ("nms", Grant::Sync),
    ("draw-boxes", Grant::Sync),
    ("[method]model.freeze", Grant::Parameters),
    ("[method]model.unfreeze", Grant::Parameters),
    ("[method]model.forward", Grant::Passes),
    ("[method]optimizer.set-learning-rate", Grant::Optimizer),
    ("[method]optimizer.set-hyperparameter", Grant::Optimizer),
    ("[method]criterion.set", Grant::Criterion),
    ("[method]data-loader.set", Grant::Loaders),
    ("[method]metrics.compute", Grant::Sync),
    ("[method]logger.histogram", Grant::Sync),
    ("[method]logger.image", Grant::Sync),
    ("[method]logger.artifact", Grant::Files),
    ("[method]logger.image-file", Grant::Files),
    ("[method]logger.image-file", Grant::Sync),
    ("[method]phase-context.clip-gradients", Grant::Gradients),
    (
        "[method]phase-context.clip-and-log-gradients",
        Grant::Gradients,
    ),
    ("[method]phase-context.set-learning-rate", Grant::Optimizer),
    ("[method]phase-context.publish-metric-tensor", Grant::Sync),
    ("[method]phase-context.batch-metric", Grant::Sync),
    ("[method]phase-context.set-inputs", Grant::Inputs),
    ("[method]phase-context.set-inputs-item", Grant::Inputs),
    ("[method]phase-context.set-target", Grant::Target),
    ("[method]phase-context.set-target-item", Grant::Target),
    ("[method]phase-context.set-loss", Grant::Loss),
    ("[method]phase-context.repeat-backward", Grant::Gradients),
    ("[method]phase-context.repeat-backward", Grant::Passes),
    ("[method]phase-context.gradient-penalty", Grant::Passes),
    ("[method]phase-context.request-stop", Grant::Stop),
    ("[method]phase-context.stop-if-above", Grant::Stop),
    ("[method]phase-context.stop-if-nonfinite", Grant::Stop),
    ("[method]phase-context.stop-epoch", Grant::Stop),
    ("[method]phase-context.skip-batch", Grant::Skip),
    ("[method]phase-context.skip-backward", Grant::Skip),
    ("[method]phase-context.skip-step", Grant::Skip),
    ("[method]phase-context.request-validation", Grant::Validate),
    (
        "[method]phase-context.request-checkpoint",
        Grant::Checkpoint,
    ),
    ("[method]phase-context.set-accumulation", Grant::Optimizer),
    ("[method]phase-context.abort", Grant::Stop),
];

/// The needs among imported functions; none where all are imported.
pub(crate) fn of(imported: &[String]) -> Vec<Need> {
    let needs: Vec<Need> = NEEDS
        .into_iter()
        .filter(|(function, _)| imported.iter().any(|name| name == function))
        .collect();
    match needs.len() == NEEDS.len() {
        true => Vec::new(),
        false => needs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACES: [&str; 3] = [
        include_str!("../../../wit/tensor.wit"),
        include_str!("../../../wit/vision.wit"),
        include_str!("../../../wit/context.wit"),
    ];
    /// Functions that sync in some calls alone.
    const SOMETIMES: [&str; 2] = ["[method]deferred.wait", "[method]tensor.to-device"];
    /// The heading in the contract above functions that all need one grant.
    const HEADING: &str = "grant `passes` ----";

    /// The functions of an interface with the grants that their documentation names, in its order.
    fn documented(interface: &str) -> Vec<(String, String)> {
        let (mut needs, mut docs, mut resource, mut headed) =
            (Vec::new(), String::new(), String::new(), false);
        for line in interface.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                docs.push_str(text);
                continue;
            }
            headed = match line.starts_with("// ----") {
                true => line.ends_with(HEADING),
                false => headed && line != "}",
            };
            match line.split_once(':') {
                Some((name, rest)) if rest.contains("func(") => {
                    let grants = grants(&docs, headed);
                    let full = format!("{resource}{name}");
                    needs.extend(grants.into_iter().map(|grant| (full.clone(), grant)));
                }
                _ => {}
            }
            if let Some(name) = line.strip_prefix("resource ") {
                let name = name.trim_end_matches([' ', '{', ';']);
                resource = format!("[method]{name}.");
            }
            if line == "}" {
                resource.clear();
            }
            if !line.starts_with("//") {
                docs.clear();
            }
        }
        needs
    }

    fn grants(docs: &str, headed: bool) -> Vec<String> {
        let named = docs.split("Grant `").skip(1);
        let mut grants: Vec<String> = named
            .filter_map(|rest| Some(rest.split_once('`')?.0.to_owned()))
            .collect();
        if headed {
            grants.push("passes".to_owned());
        }
        let syncs = [" Syncs", " syncs"].iter().any(|word| docs.contains(word));
        if syncs && !docs.contains("Never syncs") {
            grants.push("sync".to_owned());
        }
        grants
    }

    #[test]
    fn the_table_is_that_of_the_contract() {
        let all = INTERFACES
            .iter()
            .flat_map(|interface| documented(interface));
        let always: Vec<(String, String)> = all
            .filter(|(function, _)| !SOMETIMES.contains(&function.as_str()))
            .collect();
        let table = NEEDS.iter();
        let table: Vec<(String, String)> = table
            .map(|(function, grant)| ((*function).to_owned(), grant.name().to_owned()))
            .collect();
        assert_eq!(table, always);
    }

    #[test]
    fn a_contract_imported_whole_needs_nothing() {
        let all: Vec<String> = NEEDS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(of(&all), []);
        assert_eq!(of(&["rand".to_owned()]), [("rand", Grant::Random)]);
    }
}
