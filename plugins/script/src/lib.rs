//! Runs a script of the recipe in the place of a component that somebody would have to build. This file is the callback;
//! a script knows only the functions of `api` and those of its language.
//!
//! | file | owns |
//! |---|---|
//! | `program` | a script, compiled: its functions, its state, calls into it |
//! | `checks` | what can be said against a script before it runs |
//! | `standard` | the names of the language's own functions |
//! | `fault` | errors, from the host's to a script's and back, with their places |
//! | `arguments`, `answers` | values that a script gives to a function, and gets from it |
//! | `json`, `saved` | values of a script as JSON, and as the bytes of a checkpoint |
//! | `api` | the functions of the contract, as a script calls them: one table |

mod answers;
mod api;
mod arguments;
mod checks;
mod fault;
mod json;
mod program;
mod saved;
mod standard;

use std::collections::BTreeMap;

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::{Value, json};

use program::Program;

/// Calls the functions of a script that are named like phases.
#[derive(Parameters)]
struct Script {
    /// The name of the script in messages; in a recipe, the file that the script is read from.
    #[default("text".into())]
    file: String,
    /// The lines of the script.
    text: String,
    /// The script's own parameters: it reads them as `params`.
    #[default(BTreeMap::new())]
    params: BTreeMap<String, Value>,
    #[skip]
    program: Option<Program>,
}

#[callback(state_version = 1)]
impl Script {
    fn configure(&mut self) -> Result<()> {
        let params = json::to_script(&std::mem::take(&mut self.params).into_iter().collect());
        self.program = Some(Program::new(&self.file, &self.text, params)?);
        Ok(())
    }

    fn describe_configured(&self) -> Value {
        let Ok(program) = self.program() else {
            return json!({});
        };
        json!({ "phases": program.phases(), "metrics": program.published() })
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let grants = facts["grants"].as_array();
        let names = grants.into_iter().flatten().filter_map(Value::as_str);
        self.program()?.check_grants(&names.collect::<Vec<_>>())
    }

    fn on_every_phase(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.program()?.call(&ctx.phase(), ctx)
    }

    fn save_state(&self) -> Result<Vec<u8>> {
        self.program()?.save()
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        self.program()?.load(state)
    }

    fn program(&self) -> Result<&Program> {
        let program = self.program.as_ref();
        program.ok_or_else(|| Error::not_available("there is no script before `configure`"))
    }
}
