//! Tables and packed tables: wide, long, quoted, and packed a thousandfold.

use super::Row;
use super::act::{PACKED_TABLE, TABLE, packed};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "20,000 columns",
        file: || wide(20_000, 20),
        act: &TABLE,
        expect: (2, "1 different values in 20 rows"),
    },
    Row {
        name: "100,000 columns",
        file: || wide(100_000, 20),
        act: &TABLE,
        expect: (2, "1 different values in 20 rows"),
    },
    Row {
        name: "a million columns",
        file: || wide(1_000_000, 2),
        act: &TABLE,
        expect: (2, "1 different values in 2 rows"),
    },
    Row {
        name: "200,000 columns of one name",
        file: || format!("{}y\n{}1\n", "x,".repeat(200_000), "1,".repeat(200_000)).into(),
        act: &TABLE,
        expect: (2, "two columns are named `x`"),
    },
    Row {
        name: "four million columns without a name",
        file: || ",".repeat(4_000_000).into(),
        act: &TABLE,
        expect: (2, "no column `y`"),
    },
    Row {
        name: "four million cells in one row",
        file: || rows(&",".repeat(4_000_000), 1),
        act: &TABLE,
        expect: (2, "4000001 fields"),
    },
    Row {
        name: "a million classes",
        file: || {
            let row = |index| format!("1,c{index}\n");
            format!("x,y\n{}", (0..1_000_000).map(row).collect::<String>()).into()
        },
        act: &TABLE,
        expect: (2, "more than 100000 different values"),
    },
    Row {
        name: "a quote that is never closed",
        file: || rows("\"a,1\n", 1),
        act: &TABLE,
        expect: (2, "line 2: a quote is opened and not closed"),
    },
    Row {
        name: "a quote that takes all rows for its own",
        file: || [rows("\"", 1), b"1,2\n".repeat(5_000_000)].concat(),
        act: &TABLE,
        expect: (2, "line 2: a quote is opened and not closed"),
    },
    Row {
        name: "quotes in every row that are never closed",
        file: || rows("\"a,1\n", 1_000_001),
        act: &TABLE,
        expect: (2, "is not a finite number"),
    },
    Row {
        name: "cells of quotes alone",
        file: || rows("\"\"\"\"\"\"\"\",1\n", 300_000),
        act: &TABLE,
        expect: (2, "is not a finite number"),
    },
    Row {
        name: "a row of four megabytes",
        file: || rows("1", 4_000_000),
        act: &TABLE,
        expect: (2, "found record with 1 fields"),
    },
    Row {
        name: "numbers of 100,000 digits",
        file: || rows(&format!("{},1\n", "1".repeat(100_000)), 40),
        act: &TABLE,
        expect: (2, "is not a finite number"),
    },
    Row {
        name: "numbers that are long and small",
        file: || rows(&format!("0.{}e-300,1\n", "1".repeat(700)), 6000),
        act: &TABLE,
        expect: (2, "1 different values in 6000 rows"),
    },
    Row {
        name: "four million empty lines",
        file: || rows("\n", 4_000_000),
        act: &TABLE,
        expect: (2, "no rows below the header"),
    },
    Row {
        name: "ends of lines of an old kind",
        file: || rows("1,2\r", 1_000_000),
        act: &TABLE,
        expect: (2, "1 different values in 1000000 rows"),
    },
    Row {
        name: "zeros in the place of digits",
        file: || rows("\0,2\n", 1_000_000),
        act: &TABLE,
        expect: (2, "is not a finite number"),
    },
    Row {
        name: "numbers that are none",
        file: || rows("nan,2\n", 500_000),
        act: &TABLE,
        expect: (2, "is not a finite number"),
    },
    Row {
        name: "bytes in no encoding",
        file: || [b"x,y\n".as_slice(), &b"\xff,1\n".repeat(500_000)].concat(),
        act: &TABLE,
        expect: (2, "save the file as UTF-8"),
    },
    Row {
        name: "a table packed a thousandfold",
        file: || packed(&rows("1,2\n", 20_000_000)),
        act: &PACKED_TABLE,
        expect: (2, "64 times its own"),
    },
    Row {
        name: "a table packed as much as one may be",
        file: || packed(&rows("1,2\n", 1_100_000)),
        act: &PACKED_TABLE,
        expect: (2, "1 different values in 1100000 rows"),
    },
    Row {
        name: "200,000 packed files in one",
        file: || packed(b"").repeat(200_000),
        act: &PACKED_TABLE,
        expect: (2, "no column `y`"),
    },
    Row {
        name: "a packed file that is cut off",
        file: || {
            let whole = packed(&rows("1,2\n3,4\n", 20_000));
            whole[..whole.len() / 2].to_vec()
        },
        act: &PACKED_TABLE,
        expect: (2, "error: "),
    },
    Row {
        name: "a packed file of a packed file",
        file: || packed(&packed(&rows("1,2\n", 1000))),
        act: &PACKED_TABLE,
        expect: (2, "save the file as UTF-8"),
    },
];

/// A table of so many columns and rows.
fn wide(columns: usize, rows: usize) -> Vec<u8> {
    let names: String = (0..columns).map(|index| format!("c{index},")).collect();
    let row = format!("{}1\n", "1,".repeat(columns));
    format!("{names}y\n{}", row.repeat(rows)).into()
}

/// A header of two columns, and rows.
fn rows(text: &str, count: usize) -> Vec<u8> {
    format!("x,y\n{}", text.repeat(count)).into()
}
