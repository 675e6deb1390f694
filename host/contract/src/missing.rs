//! Names that a registry lacks though recipes of another trainer use them: the refusal of a name, with the remedy. Each
//! registry owns its own names.

use super::suggest;

/// Names that a registry lacks, and the remedy for all of them.
pub struct Missing {
    /// The names, with spaces between them. Case, `_` and `-` do not matter.
    pub names: &'static str,
    /// The words after "there is no network `name` yet: ".
    pub remedy: &'static str,
}

/// The remedy for a name, if it is one of those that a registry lacks.
pub fn remedy(name: &str, missing: &[Missing]) -> Option<&'static str> {
    let mut rows = missing.iter();
    let row = rows.find(|row| {
        let names: Vec<&str> = row.names.split_whitespace().collect();
        suggest::fuzzy(name, &names).is_some()
    });
    row.map(|row| row.remedy)
}

/// The refusal of a name that no entry of a registry has: the remedy for a missing name, "did you mean" for any other.
/// `kind` is the kind of thing that was named, such as "network".
pub fn refusal(kind: &str, name: &str, known: &[&str], missing: &[Missing]) -> String {
    match remedy(name, missing) {
        Some(remedy) => format!("there is no {kind} `{name}` yet: {remedy}"),
        None => suggest::unknown(kind, name, known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: &[Missing] = &[Missing {
        names: "yolox_s unet",
        remedy: "use `torchscript`",
    }];

    #[test]
    fn a_missing_name_has_a_remedy_and_an_unknown_one_a_suggestion() {
        for (name, expected) in [
            (
                "YoloX_S",
                "there is no network `YoloX_S` yet: use `torchscript`",
            ),
            (
                "resnet19",
                "unknown network `resnet19`; did you mean `resnet18`? known: mlp, resnet18",
            ),
        ] {
            let refusal = refusal("network", name, &["mlp", "resnet18"], MISSING);
            assert_eq!(refusal, expected);
        }
    }
}
