//! The functions of the contract as a script calls them: rows of tables, one table a file. Owns how a row becomes a
//! function of the language. README.md lists all of them, which a test compares.
//!
//! A function of the context is called with or without it: `ctx.log_scalar("loss", 1)` and `log_scalar("loss", 1)`.

mod changes;
mod context;
mod groups;
mod math;
mod objects;
mod requests;
mod shapes;

use std::any::TypeId;

use phasebox_sdk::bindings::phasebox::train::context::PhaseContext;
use phasebox_sdk::prelude::*;
use rhai::{Dynamic, Engine, NativeCallContext};

use crate::answers::{Answer, Awaited, Handle, Here};
use crate::arguments::Arguments;
use crate::fault::thrown;

scoped_tls::scoped_thread_local!(static CONTEXT: PhaseContext);

/// The value before the dot.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Of {
    Context,
    Tensor,
    Group,
    Deferred,
    Model,
    Optimizer,
    Criterion,
    Loader,
    Metrics,
}

/// The work of a row.
#[derive(Clone, Copy)]
enum Work {
    /// A value of the context, written without parentheses.
    Property(fn(&PhaseContext) -> Answer),
    /// A function that needs the context.
    InContext(fn(&PhaseContext, &mut Arguments<'_, '_>) -> Answer),
    /// A value of something else than the context, written without parentheses.
    OwnProperty(fn(&mut Arguments<'_, '_>) -> Answer),
    /// A function of the value before the dot alone.
    Own(fn(&mut Arguments<'_, '_>) -> Answer),
}

/// One function.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    of: Of,
    /// The fewest and the most values in parentheses.
    values: (usize, usize),
    grants: &'static [&'static str],
    work: Work,
}

/// The grants that a call by some name needs.
pub(crate) enum Grant {
    /// These, whatever the value before the dot is.
    Always(&'static [&'static str]),
    /// None, or others by the value before the dot: it shows when the line runs.
    Depends,
}

/// A value of the context.
const fn property(name: &'static str, work: fn(&PhaseContext) -> Answer) -> Row {
    Row {
        name,
        of: Of::Context,
        values: (0, 0),
        grants: &[],
        work: Work::Property(work),
    }
}

/// A function of the context.
const fn context(
    name: &'static str,
    values: (usize, usize),
    work: fn(&PhaseContext, &mut Arguments<'_, '_>) -> Answer,
) -> Row {
    Row {
        name,
        of: Of::Context,
        values,
        grants: &[],
        work: Work::InContext(work),
    }
}

/// A function of something else.
const fn own(
    of: Of,
    name: &'static str,
    values: (usize, usize),
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    Row {
        name,
        of,
        values,
        grants: &[],
        work: Work::Own(work),
    }
}

/// A value of something else than the context.
const fn own_property(
    of: Of,
    name: &'static str,
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    Row {
        name,
        of,
        values: (0, 0),
        grants: &[],
        work: Work::OwnProperty(work),
    }
}

impl Row {
    const fn needs(self, grants: &'static [&'static str]) -> Row {
        Row { grants, ..self }
    }

    const fn is_property(&self) -> bool {
        matches!(self.work, Work::Property(_) | Work::OwnProperty(_))
    }
}

/// All rows.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        context::ROWS,
        requests::ROWS,
        objects::ROWS,
        math::ROWS,
        shapes::ROWS,
        changes::ROWS,
        groups::ROWS,
    ];
    tables.into_iter().flatten()
}

fn functions() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| !row.is_property())
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    functions().map(|row| row.name).chain(["log", "warn"])
}

/// True for the name of a function.
pub(crate) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// True if some function of that name takes so many values in parentheses.
pub(crate) fn takes(name: &str, values: usize, is_method: bool) -> bool {
    if ["log", "warn"].contains(&name) {
        return values <= 1;
    }
    let mut rows = functions().filter(|row| row.name == name);
    rows.any(|row| {
        let fits = |values: usize| (row.values.0..=row.values.1).contains(&values);
        let is_free = !is_method && row.of == Of::Context && fits(values);
        let behind = if is_method {
            Some(values)
        } else {
            values.checked_sub(1)
        };
        is_free || behind.is_some_and(fits)
    })
}

/// The number of values that a function takes, in words.
pub(crate) fn usage(name: &str) -> String {
    let rows = functions().filter(|row| row.name == name);
    let counts: Vec<String> = rows
        .map(|row| match row.values {
            (fewest, most) if fewest == most => format!("{most}"),
            (fewest, most) => format!("{fewest} to {most}"),
        })
        .collect();
    format!(
        "{} values in parentheses behind the dot",
        counts.join(" or ")
    )
}

/// True for a value of the context.
pub(crate) fn has_property(name: &str) -> bool {
    properties().any(|known| known == name)
}

fn properties() -> impl Iterator<Item = &'static str> {
    let rows = rows().filter(|row| row.is_property() && row.of == Of::Context);
    rows.map(|row| row.name)
}

/// The remedy for a value that the context does not have.
pub(crate) fn near_property(name: &str) -> String {
    let mut methods = functions().filter(|row| row.of == Of::Context);
    if methods.any(|row| row.name == name) {
        return format!(" without parentheses: write `{name}(…)`");
    }
    let near = properties().map(|known| (strsim::damerau_levenshtein(known, name), known));
    near.min().map_or_else(String::new, |(_, known)| {
        format!("; did you mean `{known}`?")
    })
}

/// The grants that each function of a name needs.
pub(crate) fn grant(name: &str) -> Grant {
    let mut rows = functions().filter(|row| row.name == name);
    let Some(first) = rows.next() else {
        return Grant::Depends;
    };
    match rows.all(|row| row.grants == first.grants) {
        true => Grant::Always(first.grants),
        false => Grant::Depends,
    }
}

/// Runs `call` with the context that its functions are to use.
pub(crate) fn lending<T>(context: &PhaseContext, call: impl FnOnce() -> T) -> T {
    CONTEXT.set(context, call)
}

/// Gives an engine all functions.
pub(crate) fn register(engine: &mut Engine) {
    name_types(engine);
    rows().for_each(|row| register_row(engine, row));
    register_logging(engine);
    math::register_operators(engine);
}

fn name_types(engine: &mut Engine) {
    engine
        .register_type_with_name::<Here>("Context")
        .register_type_with_name::<Handle<Tensor>>("Tensor")
        .register_type_with_name::<Handle<TensorGroup>>("TensorGroup")
        .register_type_with_name::<Awaited>("Deferred")
        .register_type_with_name::<Handle<Model>>("Model")
        .register_type_with_name::<Handle<Optimizer>>("Optimizer")
        .register_type_with_name::<Handle<Criterion>>("Criterion")
        .register_type_with_name::<Handle<DataLoader>>("DataLoader")
        .register_type_with_name::<Handle<Metrics>>("Metrics");
}

fn type_of(of: Of) -> TypeId {
    match of {
        Of::Context => TypeId::of::<Here>(),
        Of::Tensor => TypeId::of::<Handle<Tensor>>(),
        Of::Group => TypeId::of::<Handle<TensorGroup>>(),
        Of::Deferred => TypeId::of::<Awaited>(),
        Of::Model => TypeId::of::<Handle<Model>>(),
        Of::Optimizer => TypeId::of::<Handle<Optimizer>>(),
        Of::Criterion => TypeId::of::<Handle<Criterion>>(),
        Of::Loader => TypeId::of::<Handle<DataLoader>>(),
        Of::Metrics => TypeId::of::<Handle<Metrics>>(),
    }
}

fn register_row(engine: &mut Engine, row: &'static Row) {
    if row.is_property() {
        register_one(
            engine,
            format!("get${}", row.name),
            &[type_of(row.of)],
            row,
            1,
        );
        return;
    }
    for values in row.values.0..=row.values.1 {
        let mut types = vec![type_of(row.of)];
        types.resize(values + 1, TypeId::of::<Dynamic>());
        register_one(engine, row.name.to_owned(), &types, row, 1);
        if row.of == Of::Context {
            register_one(engine, row.name.to_owned(), &types[1..], row, 0);
        }
    }
}

fn register_one(
    engine: &mut Engine,
    name: String,
    types: &[TypeId],
    row: &'static Row,
    receivers: usize,
) {
    engine.register_raw_fn(
        name.as_str(),
        types,
        move |call: NativeCallContext<'_>, values| {
            let mut arguments = Arguments::new(call.engine(), row.name, values, receivers);
            run(row, &mut arguments)
        },
    );
}

fn run(row: &Row, arguments: &mut Arguments<'_, '_>) -> Answer {
    match row.work {
        Work::Own(work) | Work::OwnProperty(work) => work(arguments),
        Work::Property(work) => in_context(row.name, work),
        Work::InContext(work) => {
            arguments.skip_receiver();
            in_context(row.name, |context| work(context, arguments))
        }
    }
}

fn in_context(name: &str, work: impl FnOnce(&PhaseContext) -> Answer) -> Answer {
    if CONTEXT.is_set() {
        return CONTEXT.with(work);
    }
    Err(thrown(Error::not_available(format!(
        "`{name}` works in functions of phases: at the script's top level there is no training yet"
    ))))
}

/// `log(value)` and `warn(value)`: lines in the run's log. The language's own `log`, of numbers, gives way.
fn register_logging(engine: &mut Engine) {
    for (name, level) in [("log", Level::Info), ("warn", Level::Warn)] {
        for of in [
            TypeId::of::<Dynamic>(),
            TypeId::of::<f64>(),
            TypeId::of::<i64>(),
        ] {
            engine.register_raw_fn(name, [of], move |_: NativeCallContext<'_>, values| {
                diagnostics::log(level, &values[0].to_string());
                Ok(())
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_every_function() {
        let readme = include_str!("../../README.md");
        for row in rows() {
            let shown = match row.is_property() {
                true => format!("`{}`", row.name),
                false => format!("`{}(", row.name),
            };
            assert!(readme.contains(&shown), "README.md lacks {shown}");
        }
    }
}
