//! The mistakes of a script that show before it runs: functions named almost like phases, calls of what does not exist,
//! and calls that need a grant. Owns their words. Everything else shows when a line runs.

use std::collections::BTreeSet;

use phasebox_sdk::PHASES;
use phasebox_sdk::prelude::*;
use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, Position, Stmt};

use crate::api::{self, Grant};
use crate::fault::place;
use crate::standard;

/// The function whose published metrics a recipe may watch.
const END_OF_VALIDATION: &str = "on_validation_loader_end";

/// A function of the script.
struct Function {
    name: String,
    parameters: Vec<String>,
    begins_at: Position,
    ends_at: Position,
}

/// A call in the script.
struct Call {
    name: String,
    at: Position,
    /// The values in parentheses.
    values: usize,
    is_method: bool,
    /// Inside of `try` or `catch`: an error may be wanted there.
    is_caught: bool,
}

/// A script, as far as it can be known before it runs.
pub(crate) struct Facts {
    /// The names of its functions.
    pub(crate) functions: BTreeSet<String>,
    /// Names that it publishes at the end of each validation.
    pub(crate) published: Vec<String>,
    calls: Vec<Call>,
}

impl Facts {
    /// Looks at a script.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub(crate) fn of(file: &str, script: &AST) -> Result<Self> {
        let functions = functions(script);
        let mut seen = Seen::default();
        script.walk(&mut |path| {
            seen.look(&functions, path);
            true
        });
        let refused = |(at, message)| Error::invalid(format!("{}: {message}", place(file, at)));
        let mut faults = Vec::new();
        faults.extend(functions.iter().filter_map(wrong_function));
        faults.extend(
            seen.calls
                .iter()
                .filter_map(|call| wrong_call(call, &functions, &seen)),
        );
        faults.extend(seen.strange_properties);
        if let Some(first) = faults
            .into_iter()
            .min_by_key(|(at, _)| (at.line(), at.position()))
        {
            return Err(refused(first));
        }
        let functions: BTreeSet<String> = functions.into_iter().map(|own| own.name).collect();
        if !functions.iter().any(|name| is_phase(name)) {
            return Err(Error::invalid(format!(
                "{file}: no function is named like a phase, so nothing would be called: write \
                 `fn on_epoch_end(ctx) {{ … }}`; wit/callback.wit has the 31 names, here with `_` for `-`"
            )));
        }
        Ok(Self {
            functions,
            published: seen.published,
            calls: seen.calls,
        })
    }
}

/// The names of the script's top-level constants.
pub(crate) fn constants(script: &AST) -> Vec<String> {
    let statements = script.statements().iter();
    let constants = statements.filter_map(|statement| match statement {
        Stmt::Var(variable, flags, _) if flags.contains(ASTFlags::CONSTANT) => {
            Some(variable.0.name.to_string())
        }
        _ => None,
    });
    constants.collect()
}

/// Refuses the first call that needs a grant which is not `granted`.
pub(crate) fn grants(file: &str, facts: &Facts, granted: &[&str]) -> Result<()> {
    let calls = facts.calls.iter().filter(|call| !call.is_caught);
    for call in calls.filter(|call| !facts.functions.contains(&call.name)) {
        let Grant::Always(needed) = api::grant(&call.name) else {
            continue;
        };
        let missing = needed.iter().find(|grant| !granted.contains(grant));
        if let Some(missing) = missing {
            let (place, name) = (place(file, call.at), &call.name);
            let all: BTreeSet<&str> = granted.iter().copied().chain([*missing]).collect();
            let all = all.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Error {
                code: ErrorCode::Denied,
                message: format!(
                    "{place}: `{name}` needs the grant `{missing}`; if the script may, write `grants: [{all}]` beside \
                     its `file` or `text`"
                ),
            });
        }
    }
    Ok(())
}

fn functions(script: &AST) -> Vec<Function> {
    let functions = script.iter_fn_def().map(|own| Function {
        name: own.name.to_string(),
        parameters: own.params.iter().map(ToString::to_string).collect(),
        begins_at: own.body.start_position(),
        ends_at: own.body.end_position(),
    });
    functions.collect()
}

fn is_phase(name: &str) -> bool {
    PHASES.iter().any(|phase| is_named(name, phase))
}

fn is_named(name: &str, phase: &str) -> bool {
    name.len() == phase.len() && name.replace('_', "-") == *phase
}

/// A mistake, and its place.
type Mistake = (Position, String);

fn wrong_function(own: &Function) -> Option<Mistake> {
    let (name, at) = (&own.name, own.begins_at);
    if is_phase(name) {
        let is_fit = own.parameters.len() == 1;
        return (!is_fit).then(|| (at, format!("a phase has one value: write `fn {name}(ctx)`")));
    }
    let rest = name.strip_prefix("on").unwrap_or_default();
    if !rest.starts_with(|letter: char| letter == '_' || letter.is_ascii_uppercase()) {
        return None;
    }
    let phases = PHASES.iter().map(|phase| phase.replace('-', "_"));
    let nearest = phases.min_by_key(|phase| strsim::damerau_levenshtein(phase, name));
    Some((
        at,
        format!(
            "no phase is called `{name}`; did you mean `{}`? Functions of your own do not begin with `on_`",
            nearest.unwrap_or_default()
        ),
    ))
}

fn wrong_call(call: &Call, functions: &[Function], seen: &Seen) -> Option<Mistake> {
    let name = call.name.as_str();
    let mut own = functions.iter().filter(|own| own.name == name).peekable();
    if own.peek().is_some() {
        let takes: Vec<usize> = own.map(|own| own.parameters.len()).collect();
        let is_fit = takes.contains(&call.values) || api::is_known(name);
        let takes = || {
            takes
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" or ")
        };
        return (!is_fit).then(|| {
            let message = format!(
                "`{name}` has {} parameters, and gets {}",
                takes(),
                call.values
            );
            (call.at, message)
        });
    }
    if standard::NAMES.binary_search(&name).is_ok() || call.is_method && seen.names.contains(name) {
        return None;
    }
    if !api::is_known(name) {
        return Some((
            call.at,
            format!("there is no function `{name}`{}", near(name, functions)),
        ));
    }
    let is_fit = api::takes(name, call.values, call.is_method);
    (!is_fit).then(|| (call.at, format!("`{name}` takes {}", api::usage(name))))
}

/// The function that may be meant.
fn near(name: &str, functions: &[Function]) -> String {
    let own = functions.iter().map(|own| own.name.as_str());
    let all = own
        .chain(api::names().map(|name| -> &str { name }))
        .chain(standard::NAMES.iter().copied());
    let all = all.filter(|known| !known.starts_with("anon$"));
    let near = all.map(|known| (strsim::damerau_levenshtein(known, name), known));
    match near.min() {
        Some((distance, known)) if distance * 3 <= name.len() => {
            format!("; did you mean `{known}`?")
        }
        _ => String::new(),
    }
}

/// The things of interest on the way through a script.
#[derive(Default)]
struct Seen {
    calls: Vec<Call>,
    /// Names of properties and of entries of maps: a method may be a closure among them.
    names: BTreeSet<String>,
    strange_properties: Vec<Mistake>,
    published: Vec<String>,
}

impl Seen {
    fn look(&mut self, functions: &[Function], path: &[ASTNode<'_>]) {
        let is_caught = path
            .iter()
            .any(|node| matches!(node, ASTNode::Stmt(Stmt::TryCatch(..))));
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at))) => {
                self.call(functions, call, *at, false, is_caught);
            }
            Some(ASTNode::Expr(Expr::MethodCall(call, at))) => {
                self.call(functions, call, *at, true, is_caught);
            }
            Some(ASTNode::Expr(Expr::Property(property, _))) => {
                self.names.insert(property.2.to_string());
            }
            Some(ASTNode::Expr(Expr::Map(map, _))) => {
                self.names.extend(map.1.keys().map(ToString::to_string));
            }
            Some(ASTNode::Expr(Expr::Dot(dot, ..))) => self.property(functions, &dot.lhs, &dot.rhs),
            _ => {}
        }
    }

    fn call(
        &mut self,
        functions: &[Function],
        call: &FnCallExpr,
        at: Position,
        is_method: bool,
        is_caught: bool,
    ) {
        if call.op_token.is_some() {
            return;
        }
        if call.name == "publish_metric" && within(functions, at) == Some(END_OF_VALIDATION) {
            let names = call.args.iter().filter_map(text);
            self.published.extend(names.take(1));
        }
        self.calls.push(Call {
            name: call.name.to_string(),
            at,
            values: call.args.len(),
            is_method,
            is_caught,
        });
    }

    /// Notes a property that the context of a phase does not have.
    fn property(&mut self, functions: &[Function], of: &Expr, chain: &Expr) {
        let Expr::Variable(variable, ..) = of else {
            return;
        };
        let first = match chain {
            Expr::Dot(dot, ..) | Expr::Index(dot, ..) => &dot.lhs,
            only => only,
        };
        let Expr::Property(property, at) = first else {
            return;
        };
        let is_context = functions.iter().any(|own| {
            let is_named = own
                .parameters
                .first()
                .is_some_and(|name| *name == variable.1);
            is_named && is_phase(&own.name) && own.contains(*at)
        });
        if is_context && !api::has_property(&property.2) {
            let name = &property.2;
            self.strange_properties.push((
                *at,
                format!("the context has no `{name}`{}", api::near_property(name)),
            ));
        }
    }
}

impl Function {
    fn contains(&self, at: Position) -> bool {
        let place = |at: Position| (at.line(), at.position());
        (place(self.begins_at)..=place(self.ends_at)).contains(&place(at))
    }
}

fn within(functions: &[Function], at: Position) -> Option<&str> {
    let function = functions.iter().find(|own| own.contains(at))?;
    Some(&function.name)
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::StringConstant(text, _) => Some(text.to_string()),
        _ => None,
    }
}
