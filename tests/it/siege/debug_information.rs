//! Debug information that is small and takes gigabytes or minutes to read, in a callback that traps.

use super::{Act, Row, with_code};
use crate::harness::wat_components::TRAP;

pub(super) const ROWS: &[&Row] = &[
    &Row {
        name: "3,000 units of 16,000 ranges each",
        file: || with_ranges(3000, 16_000, 1),
        act: Act::Train,
        expect: (0, "it cannot be called again and is disabled"),
    },
    &Row {
        name: "20,000 units of 50,000 empty ranges each",
        file: || with_ranges(20_000, 50_000, 0),
        act: Act::Train,
        expect: (0, "it cannot be called again and is disabled"),
    },
    &Row {
        name: "a section that is no debug information",
        file: || with_sections(&[b'x'; 4096], &[b'y'; 4096], &[b'z'; 4096]),
        act: Act::Train,
        expect: (0, "it cannot be called again and is disabled"),
    },
];

/// One kind of entry: a compile unit without children that has an attribute for its list of ranges.
const ABBREVIATIONS: [u8; 8] = [1, 0x11, 0, 0x55, 0x17, 0, 0, 0];
/// A unit of DWARF 4 with addresses of 4 bytes: its length, version, abbreviations, size of addresses, entry, ranges at 0.
const UNIT: [u8; 16] = [12, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];

/// Units that all have the same ranges, each of `length` bytes.
fn with_ranges(units: usize, ranges: u32, length: u32) -> Vec<u8> {
    let ranges: Vec<u8> = (1..=ranges)
        .flat_map(|index| [4 * index, 4 * index + length])
        .flat_map(u32::to_le_bytes)
        .chain([0; 8])
        .collect();
    with_sections(&UNIT.repeat(units), &ABBREVIATIONS, &ranges)
}

fn with_sections(units: &[u8], abbreviations: &[u8], ranges: &[u8]) -> Vec<u8> {
    let sections = [
        (".debug_info", units),
        (".debug_abbrev", abbreviations),
        (".debug_ranges", ranges),
    ];
    let text: String = sections.map(|(name, bytes)| section(name, bytes)).concat();
    with_code(TRAP, &text)
}

fn section(name: &str, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(@custom \"{name}\" \"{escaped}\")")
}
