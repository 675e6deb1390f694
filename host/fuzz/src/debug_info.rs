//! Arbitrary debug information and names of functions: custom sections of a component that traps.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use phasebox_component::{Component, lines_of_source};

use crate::component;
use crate::cost::{Memory, within};
use crate::files;

/// The bytes of an input that are used: what debug information becomes grows with a product of sizes, for which the host has
/// a process that can be killed.
const MAX_BYTES: usize = 16 << 10;
const MEMORY: Memory = Memory {
    free: 8 << 20,
    each: 4 << 10,
};
/// The beginning of a component, and of a module.
const MAGIC: &[u8] = b"\0asm";
/// Offsets that lines are looked up for: as many as frames of a backtrace are shown.
const OFFSETS: usize = 12;
/// The longest message: some frames, each cut.
const MOST_MESSAGE_BYTES: usize = 64 << 10;

/// Looks up the lines of source of a component: the input itself, or one that traps, with a custom section for each file of
/// the input. Where there is no more than names, loads it, lets it trap and reads its backtrace. Returns true if a line of source was found.
///
/// # Panics
/// If not every offset has an answer, or the error of the trap has characters that a terminal obeys.
pub fn run(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let sections = files::files(bytes, "name");
    let component = match bytes.starts_with(MAGIC) {
        true => bytes.to_vec(),
        false => wat::parse_str(text(&sections)).expect("text of our own"),
    };
    let lines = within(MEMORY, component.len(), || lines(&component));
    // Names alone are read by the engine, which takes a hundred times as long.
    if sections.len() == 1 {
        check_trap(&component);
    }
    lines.iter().any(|places| !places.is_empty())
}

/// The lines of offsets all over the component, and beyond it.
fn lines(component: &[u8]) -> Vec<Vec<String>> {
    let inside = (0..OFFSETS - 1).map(|place| (place * component.len() / OFFSETS) as u64);
    let code = code(component).map_or(0, |code| code as u64);
    let near = (0..OFFSETS as u64).map(|place| code + place);
    let offsets: Vec<u64> = inside.chain(near).chain([u64::MAX]).collect();
    let lines = lines_of_source(component, &offsets);
    assert_eq!(lines.len(), offsets.len(), "each offset has an answer");
    lines
}

/// The place of the code of the components that are made here.
fn code(component: &[u8]) -> Option<usize> {
    let places = component.windows(CODE.len());
    places.into_iter().position(|bytes| bytes == CODE)
}

/// Three functions that call each other, as they are encoded: the last traps.
const CODE: &[u8] = b"\x03\x04\x00\x10\x01\x0b\x04\x00\x10\x02\x0b\x03\x00\x00\x0b";

/// A component with these custom sections that traps when it is described.
fn text(sections: &[(&str, Vec<u8>)]) -> String {
    let mut custom = String::new();
    for (name, bytes) in sections {
        let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let _ = writeln!(custom, "(@custom \"{name}\" (after last) \"{bytes}\")");
    }
    format!(
        r#"(component
  (core module $m
    (type (func (result i32)))
    (memory (export "memory") 1)
    (export "describe" (func 0))
    (func (type 0) (call 1)) (func (type 0) (call 2)) (func (type 0) (unreachable))
    {custom})
  (core instance $c (instantiate $m))
  (func $d (result string) (canon lift (core func $c "describe") (memory (core memory $c "memory"))))
  (instance $i (export "describe" (func $d)))
  (export "a:b/callback" (instance $i)))"#
    )
}

fn check_trap(component: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the component");
    let path = folder.path().join("it.wasm");
    fs::write(&path, component).expect("a file in the folder");
    let Err(error) = described(&path) else {
        return;
    };
    let message = format!("{error:#}");
    let is_plain = |letter: char| letter == '\n' || !letter.is_control();
    assert!(message.chars().all(is_plain), "{message:?}");
    assert!(
        message.len() <= MOST_MESSAGE_BYTES,
        "{} bytes",
        message.len()
    );
}

fn described(path: &Path) -> Result<()> {
    component::with_engine(|engine| {
        let component = Component::load(engine.engine(), path)?;
        let mut plugin = component::plugin(engine, &component)?;
        plugin.describe().map(drop)
    })
}
