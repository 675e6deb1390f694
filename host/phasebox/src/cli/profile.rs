//! `phasebox test X.wasm --profile`: the time of a callback, function by function. Owns the table and the file of stacks;
//! the samples are `phasebox_plugin`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::ensure;
use phasebox_component::Component;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_plugin::{PluginEngine, SampledStack, SampledStacks};

use super::Failure;
use super::place::is_there;
use super::print::print;
use crate::assemble::ProcessCache;

/// The most functions in the table.
const MOST_ROWS: usize = 20;
/// Fewer samples say little.
const FEW: u64 = 100;

/// The wish for a profile, and the file that its stacks are written to.
#[derive(Clone)]
pub(super) struct Profiling {
    pub(super) stacks: Option<PathBuf>,
}

impl Profiling {
    /// The engine and the data of a process that wants a profile or not.
    pub(super) fn cache(wanted: Option<&Profiling>) -> ProcessCache {
        wanted.map_or_else(ProcessCache::default, |_| ProcessCache::sampling_stacks())
    }

    /// Refuses to write over a file, before anything is measured.
    ///
    /// # Errors
    /// A file that is there, or a folder that is not.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Some(path) = &self.stacks else {
            return Ok(());
        };
        ensure!(
            !is_there(path),
            "{} is there: name another file for the stacks, or remove it",
            path.display()
        );
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        ensure!(
            folder.is_none_or(Path::is_dir),
            "{} lies in no folder: make it, or name another file",
            path.display()
        );
        Ok(())
    }

    /// Prints the profile of what was called since the last one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn show(&self, cache: &ProcessCache, component: &Component) -> Result<(), Failure> {
        let Some(engine) = cache.last_engine() else {
            return Ok(());
        };
        let sampled = engine.stacks().take();
        print(lines(&sampled, component, engine))?;
        match &self.stacks {
            Some(path) => write(&sampled, path).map_err(Failure::Failed),
            None => Ok(()),
        }
    }
}

/// A function's part of the samples.
#[derive(Clone, Copy, Default)]
struct Beats {
    own: u64,
    with_callees: u64,
}

fn lines(sampled: &SampledStacks, component: &Component, engine: &PluginEngine) -> Vec<String> {
    let all = sampled.stacks.iter().map(|stack| stack.beats).sum::<u64>() + sampled.elsewhere;
    let mut lines = vec![heading(sampled, all)];
    if all > 0 {
        let mut rows: Vec<(String, Beats)> = by_function(&sampled.stacks).into_iter().collect();
        // Names decide between equals, so that the order is one.
        rows.sort_by_key(|(_, beats)| std::cmp::Reverse((beats.own, beats.with_callees)));
        rows.truncate(MOST_ROWS);
        lines.push("    self   total  function".to_owned());
        let places = places(&rows, sampled, component, engine);
        let rows = rows.iter().zip(places);
        lines.extend(rows.map(|((function, beats), place)| {
            format!(
                "  {:>5.1}%  {:>5.1}%  {function}{place}",
                percent(beats.own, all),
                percent(beats.with_callees, all)
            )
        }));
        if sampled.elsewhere > 0 {
            let part = percent(sampled.elsewhere, all);
            lines.push(format!(
                "  {part:>5.1}%  {part:>5.1}%  elsewhere: calls that ended before they looked"
            ));
        }
    }
    if all < FEW {
        lines.push(
            "note: so few samples say little: try it in a recipe with more steps, or replay a longer run"
                .to_owned(),
        );
    }
    lines
}

fn heading(sampled: &SampledStacks, all: u64) -> String {
    let beat = sampled.beat.as_secs_f64() * 1e3;
    let in_host = sampled.stacks.iter().filter(|stack| stack.in_host);
    let in_host: u64 = in_host.map(|stack| stack.beats).sum();
    format!(
        "profile  {all} samples in {} calls, one each {beat:.2} ms: about {:.0} ms, {:.0}% of it in functions of the host",
        sampled.calls,
        all as f64 * beat,
        percent(in_host, all)
    )
}

fn percent(beats: u64, all: u64) -> f64 {
    100.0 * beats as f64 / all.max(1) as f64
}

/// The samples of each function, and of the host's functions for each that called some.
fn by_function(stacks: &[SampledStack]) -> BTreeMap<String, Beats> {
    let mut functions: BTreeMap<String, Beats> = BTreeMap::new();
    for stack in stacks {
        let names = names(stack);
        if let Some(innermost) = names.last() {
            functions.entry(innermost.clone()).or_default().own += stack.beats;
        }
        // A function that calls itself counts once.
        for name in names.into_iter().collect::<BTreeSet<String>>() {
            functions.entry(name).or_default().with_callees += stack.beats;
        }
    }
    functions
}

/// The functions of a stack, the innermost last.
fn names(stack: &SampledStack) -> Vec<String> {
    let mut names = stack.functions.clone();
    if stack.in_host {
        let host = names.last().map(|caller| format!("the host, for {caller}"));
        names.push(host.unwrap_or_else(|| "the host".to_owned()));
    }
    names
}

/// ` (file:line)` for each function of which the place is known: where most of its samples were.
fn places(
    rows: &[(String, Beats)],
    sampled: &SampledStacks,
    component: &Component,
    engine: &PluginEngine,
) -> Vec<String> {
    let offsets = rows.iter().map(|(name, _)| sampled.places.get(name));
    let offsets: Vec<u64> = offsets
        .map(|offset| offset.copied().unwrap_or_default())
        .collect();
    let lines = component.source_lines(engine.engine()).at(&offsets);
    let lines = lines.into_iter().zip(offsets);
    lines
        .map(|(places, offset)| match places.as_slice() {
            [] => String::new(),
            _ if offset == 0 => String::new(),
            [only] => format!(" ({only})"),
            [innermost, .., outermost] => format!(" ({innermost}, from {outermost})"),
        })
        .collect()
}

/// Writes each stack on a line with its number of samples, as programs that draw flame graphs read them.
fn write(sampled: &SampledStacks, path: &Path) -> anyhow::Result<()> {
    let mut text = String::new();
    for stack in &sampled.stacks {
        let names = names(stack).into_iter();
        let names: Vec<String> = names.map(|name| name.replace(';', ":")).collect();
        text.push_str(&format!("{} {}\n", names.join(";"), stack.beats));
    }
    if sampled.elsewhere > 0 {
        text.push_str(&format!("elsewhere {}\n", sampled.elsewhere));
    }
    atomic_file::write_file(path, text.as_bytes(), Durability::Process)?;
    Ok(())
}
