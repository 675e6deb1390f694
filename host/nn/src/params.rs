//! The parameter block that follows a name in a recipe (`arch_params`, `criterion_params`, …) as a typed struct.
//! Owns the wording of the errors; each registry has its own structs.

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads `block` (`null` or a map) as `T`; errors name `owner`, say "architecture `mlp`".
///
/// # Errors
/// An unknown key, a missing one, or a value of the wrong type, with the key's path in the block.
pub(crate) fn read<T: DeserializeOwned>(owner: &str, block: &Value) -> Result<T> {
    let block = match block {
        Value::Null => Value::Object(Map::new()),
        Value::Object(_) => block.clone(),
        // serde would take a list for the fields in their order.
        other => {
            return Err(anyhow!(
                "parameters of {owner}: a mapping is wanted, not {other}"
            ));
        }
    };
    serde_path_to_error::deserialize(block).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            String::new()
        } else {
            format!("`{path}`: ")
        };
        anyhow!("parameters of {owner}: {place}{}", error.inner())
    })
}
