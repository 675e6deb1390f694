//! The rule for lists of missing names, in the tests of the crates that own such a list. No module of this crate: they
//! include it.

use anyhow::Result;
use phasebox_contract::missing::Missing;
use serde_json::Value;

const SUPERGRADIENTS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/reference/supergradients_names.json"
));

/// Each name of SuperGradients is there or has a remedy, and no name with a remedy is there.
pub(super) fn check(kind: &str, check_name: fn(&str) -> Result<()>, missing: &[Missing]) {
    let all: Value = serde_json::from_str(SUPERGRADIENTS).expect("the reference");
    let names = all[kind].as_array().expect("a list").iter();
    for name in names.map(|name| name.as_str().expect("a name")) {
        if let Err(refusal) = check_name(name) {
            let refusal = refusal.to_string();
            assert!(refusal.starts_with("there is no "), "{kind}: {refusal}");
        }
    }
    for name in missing.iter().flat_map(|row| row.names.split_whitespace()) {
        assert!(check_name(name).is_err(), "{kind}: `{name}` is there");
    }
}
