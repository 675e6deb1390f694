//! The description that a callback gives of itself by `describe`. Calling it is the host's part.

/// The JSON of `describe-configured`: the callback as its parameters have made it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Configured {
    /// Names of the phases at which it wants to be called; all that it exports if there are none.
    pub phases: Option<Vec<String>>,
    /// The metrics that it publishes; those of `describe` if there are none.
    pub metrics: Option<Vec<String>>,
}

/// The JSON of `describe`. Fields that the callback leaves out are empty.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Description {
    /// The name that the author gives the callback.
    pub name: String,
    /// The callback's version, in the author's words.
    pub version: String,
    /// One sentence about the callback.
    pub summary: String,
    /// JSON Schema of the callback's parameters.
    pub parameters: serde_json::Value,
    /// Names of the grants that the callback wants.
    pub grants: Vec<String>,
    /// The format of `save-state`. The callback reads this format and older ones.
    pub state_version: u32,
    /// Names of the metrics that the callback publishes at every on-validation-loader-end.
    pub metrics: Vec<String>,
}
