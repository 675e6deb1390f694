//! A script, compiled: its phases, its state, and calls into it. Owns what a script can see: its own functions, `state`,
//! `params`, its constants and the functions of `api`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use phasebox_sdk::PHASES;
use phasebox_sdk::bindings::phasebox::train::context::PhaseContext;
use phasebox_sdk::prelude::*;
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage,
    Package,
};
use rhai::{AST, ASTNode, Dynamic, Engine, Map, Scope};

use crate::answers::Here;
use crate::api;
use crate::checks::{self, Facts};
use crate::fault::{uncaught, unparsed};
use crate::saved;

/// The most script functions inside each other: more would come close to the end of the stack.
const MAX_CALLS: usize = 48;
/// The most operators and brackets inside each other, at the top and in a function.
const MAX_NESTING: (usize, usize) = (64, 32);
/// The most bytes of a text.
const MAX_TEXT: usize = 1 << 20;
/// The most items of a list.
const MAX_LIST: usize = 1 << 20;
/// The most entries of a map.
const MAX_MAP: usize = 1 << 16;
/// Functions of the language that a script has no use for here: code that nobody has checked, an end of the program, and
/// waiting.
const DISABLED: [&str; 3] = ["eval", "exit", "sleep"];

rhai::def_package! {
    /// The functions of the language.
    Language(module): LanguageCorePackage, ArithmeticPackage, BasicStringPackage, BasicIteratorPackage,
        BasicFnPackage, LogicPackage, BasicMathPackage, BasicArrayPackage, BasicMapPackage, MoreStringPackage {}
}

/// The values of a script's top-level `const`s, by name.
type Constants = Rc<RefCell<BTreeMap<String, Dynamic>>>;

/// A script that was read, and whose top-level statements have run.
pub(crate) struct Program {
    file: String,
    engine: Engine,
    script: AST,
    /// Each phase that the script has a function for.
    phases: BTreeMap<&'static str, Phase>,
    facts: Facts,
    state: Dynamic,
}

/// The function of a phase. Its statements are run where the language would call it: an error of a bound, such as a text
/// that is too long, would otherwise lose its line at the end of the call.
struct Phase {
    function: String,
    /// The name that the function has for the context.
    context: String,
    statements: AST,
}

impl Program {
    /// Reads a script, and runs its top-level statements.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub(crate) fn new(file: &str, text: &str, params: Dynamic) -> Result<Self> {
        let state = Dynamic::from(Map::new()).into_shared();
        let constants = Constants::default();
        let mut engine = engine();
        let named = Named {
            state: state.clone(),
            params,
            constants: constants.clone(),
        };
        #[allow(deprecated, reason = "rhai marks it as one that may change")]
        engine.on_var(move |name, index, _| {
            let is_local = index > 0;
            Ok(if is_local { None } else { named.find(name) })
        });
        let script = compiled(&mut engine, file, text)?;
        let facts = Facts::of(file, &script)?;
        let program = Self {
            file: file.to_owned(),
            phases: phases(&script),
            engine,
            script,
            facts,
            state,
        };
        program.begin(&constants)?;
        Ok(program)
    }

    /// Runs the top-level statements, and keeps the constants among them.
    fn begin(&self, constants: &Constants) -> Result<()> {
        let mut scope = Scope::new();
        let begun = self.engine.run_ast_with_scope(&mut scope, &self.script);
        begun.map_err(|fault| uncaught(&self.file, "the script's top level", fault))?;
        let values = scope.iter().filter(|(_, is_constant, _)| *is_constant);
        let values = values.map(|(name, _, value)| (name.to_owned(), value));
        constants.replace(values.collect());
        self.check_state()
    }

    /// The phases that it has functions for.
    pub(crate) fn phases(&self) -> Vec<&'static str> {
        self.phases.keys().copied().collect()
    }

    /// The metrics that it publishes by a name in quotes, at the end of each validation.
    pub(crate) fn published(&self) -> &[String] {
        &self.facts.published
    }

    /// Refuses a script that calls what needs a grant that it does not have.
    pub(crate) fn check_grants(&self, granted: &[&str]) -> Result<()> {
        checks::grants(&self.file, &self.facts, granted)
    }

    /// Calls the function of a phase, if the script has one.
    pub(crate) fn call(&self, phase: &str, context: &PhaseContext) -> Result<()> {
        let Some(phase) = self.phases.get(phase) else {
            return Ok(());
        };
        let mut scope = Scope::new();
        scope.push(phase.context.as_str(), Here);
        let called = api::lending(context, || {
            let statements = &phase.statements;
            self.engine
                .eval_ast_with_scope::<Dynamic>(&mut scope, statements)
        });
        let called = called.map(drop);
        called.map_err(|fault| uncaught(&self.file, &phase.function, fault))?;
        self.check_state()
    }

    /// The bytes of `state`.
    pub(crate) fn save(&self) -> Result<Vec<u8>> {
        let bytes = saved::to_bytes(&self.state);
        bytes.map_err(|error| Error {
            message: format!("{}: {}", self.file, error.message),
            ..error
        })
    }

    /// Puts what was saved in place of the entries of that name; an entry that only this script has stays.
    pub(crate) fn load(&self, bytes: &[u8]) -> Result<()> {
        let saved = saved::from_bytes(bytes)?;
        let mut state = self.state.clone();
        if let Some(mut state) = state.write_lock::<Map>() {
            state.extend(saved);
        }
        Ok(())
    }

    fn check_state(&self) -> Result<()> {
        match self.state.is_map() {
            true => Ok(()),
            false => Err(Error::invalid(format!(
                "{}: `state` is a map that checkpoints hold: set its entries (`state.best = 1`), or another map",
                self.file
            ))),
        }
    }
}

/// The functions of a script that are named like phases.
fn phases(script: &AST) -> BTreeMap<&'static str, Phase> {
    let functions = script.iter_functions().filter_map(|function| {
        let mut phases = PHASES.iter().copied();
        let phase = phases.find(|phase| phase.replace('-', "_") == function.name)?;
        let context = function.params.first()?;
        Some((phase, statements_of(script, function.name, context)))
    });
    functions.collect()
}

fn statements_of(script: &AST, name: &str, context: &str) -> Phase {
    let mut alone = script.clone();
    alone.clear_statements();
    alone.retain_functions(|_, _, function, _| function == name);
    let mut statements = Vec::new();
    alone.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    Phase {
        function: name.to_owned(),
        context: context.to_owned(),
        statements: AST::new(statements, script.shared_lib().clone()),
    }
}

/// The variables that every function of a script sees.
struct Named {
    state: Dynamic,
    params: Dynamic,
    constants: Constants,
}

impl Named {
    fn find(&self, name: &str) -> Option<Dynamic> {
        match name {
            "state" => Some(self.state.clone()),
            "params" => Some(self.params.clone()),
            _ => self.constants.borrow().get(name).cloned(),
        }
    }
}

fn engine() -> Engine {
    // The same numbers in every build and on every machine.
    let _ = rhai::config::hashing::set_hashing_seed(Some([1, 2, 3, 4]));
    let mut engine = Engine::new_raw();
    engine.register_global_module(Language::new().as_shared_module());
    engine.set_max_call_levels(MAX_CALLS);
    engine.set_max_expr_depths(MAX_NESTING.0, MAX_NESTING.1);
    engine.set_max_string_size(MAX_TEXT);
    engine.set_max_array_size(MAX_LIST);
    engine.set_max_map_size(MAX_MAP);
    for name in DISABLED {
        engine.disable_symbol(name);
    }
    engine.on_print(|text| diagnostics::log(Level::Info, text));
    engine.on_debug(|text, _, _| diagnostics::log(Level::Debug, text));
    api::register(&mut engine);
    engine
}

/// The script, with every variable known. Its constants are found first: functions see them, too.
fn compiled(engine: &mut Engine, file: &str, text: &str) -> Result<AST> {
    let first = engine
        .compile(text)
        .map_err(|error| unparsed(file, &error))?;
    let mut known = Scope::new();
    known.push("state", ()).push("params", ());
    for name in checks::constants(&first) {
        known.push(name, ());
    }
    engine.set_strict_variables(true);
    let script = engine.compile_with_scope(&known, text);
    let mut script = script.map_err(|error| unparsed(file, &error))?;
    script.clear_source();
    Ok(script)
}
