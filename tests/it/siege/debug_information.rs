//! Debug information that is small and takes gigabytes or minutes to read, in a callback that traps.

use super::act::TRAIN;
use super::{FAILS, Row, with_code};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a line for all code, as an honest author has it",
        file: with_lines,
        act: &TRAIN,
        expect: (0, "in fails (guest.c:42)"),
    },
    Row {
        name: "3,000 units of 16,000 ranges each",
        file: || with_ranges(3000, 16_000, 1),
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
    },
    Row {
        name: "40,000 units of 100,000 ranges each",
        file: || with_ranges(40_000, 100_000, 1),
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
    },
    Row {
        name: "20,000 units of 50,000 empty ranges each",
        file: || with_ranges(20_000, 50_000, 0),
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
    },
    Row {
        name: "a line program of four million rows",
        file: || with_sections(&[(".debug_line", &program(4_000_000))]),
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
    },
    Row {
        name: "a million kinds of entries",
        file: || {
            let kinds = [1, 0x11, 0, 0, 0].repeat(1_000_000);
            with_sections(&[(".debug_info", &UNIT), (".debug_abbrev", &kinds)])
        },
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
    },
    Row {
        name: "a function with a name of a megabyte",
        file: || {
            let name = "f".repeat(1 << 20);
            let text = format!("(func ${name} unreachable)");
            with_code(&format!("(call ${name})"), &text)
        },
        act: &TRAIN,
        expect: (0, "in ffffffff"),
    },
    Row {
        name: "a function whose name draws on the terminal",
        file: || {
            let name = "\\1b]0;owned\\07\\nerror: forged";
            let text = format!("(func $draws (@name \"{name}\") unreachable)");
            with_code("(call $draws)", &text)
        },
        act: &TRAIN,
        expect: (0, "\\u{1b}]0;owned"),
    },
    Row {
        name: "a section that is no debug information",
        file: || {
            with_sections(&[
                (".debug_info", &[b'x'; 4096]),
                (".debug_abbrev", &[b'y'; 4096]),
            ])
        },
        act: &TRAIN,
        expect: (0, "disabled, as the recipe says"),
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
    with_sections(&[
        (".debug_info", &UNIT.repeat(units)),
        (".debug_abbrev", &ABBREVIATIONS),
        (".debug_ranges", &ranges),
    ])
}

/// One unit for the first 65,535 bytes of code, all of them from line 42 of `guest.c`.
fn with_lines() -> Vec<u8> {
    const UNIT: &[u8] = &[
        20, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0,
    ];
    // Lines at 0 of their section, code from an address on, and its length.
    const ABBREVIATION: &[u8] = &[1, 0x11, 0, 0x10, 0x17, 0x11, 1, 0x12, 6, 0, 0, 0];
    const OPCODE_LENGTHS: &[u8] = &[0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    const FILES: &[u8] = b"\0guest.c\0\0\0\0\0";
    let head = [&[1, 1, 1, 0xfb, 14, 13], OPCODE_LENGTHS, FILES].concat();
    // At address 0 begins line 1 + 41, and 65,535 bytes later the code ends.
    let program = [0, 5, 2, 0, 0, 0, 0, 3, 41, 1, 2, 0xff, 0xff, 3, 0, 1, 1];
    let after_length = 2 + 4 + head.len() + program.len();
    let lines = [
        &(after_length as u32).to_le_bytes(),
        &4u16.to_le_bytes() as &[u8],
        &(head.len() as u32).to_le_bytes(),
        &head,
        &program,
    ];
    with_sections(&[
        (".debug_info", UNIT),
        (".debug_abbrev", ABBREVIATION),
        (".debug_line", &lines.concat()),
    ])
}

/// A line program of so many rows of one byte each.
fn program(rows: usize) -> Vec<u8> {
    const HEAD: &[u8] = b"\x04\0\x1a\0\0\0\x01\x01\x01\xfb\x0e\x0d\0\x01\x01\x01\x01\0\0\0\x01\0\0\x01\0g.c\0\0\0\0\0";
    let length = ((HEAD.len() + rows) as u32).to_le_bytes();
    [&length, HEAD, &vec![0x20; rows]].concat()
}

fn with_sections(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let text: String = sections
        .iter()
        .map(|(name, bytes)| section(name, bytes))
        .collect();
    with_code(FAILS, &text)
}

fn section(name: &str, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(@custom \"{name}\" \"{escaped}\")")
}
