//! The largest cost of one call of every function of the contract, with arguments at their extremes: measured in a real
//! training, held to the table in docs/limits.md, and refused before it arises where a limit has no room for it. A function
//! without a row, or a row that no longer fits, fails with the table as it should be; `INSTA_UPDATE=always` writes it.
//!
//! | file | owns |
//! |---|---|
//! | `search` | the arguments that are tried, and the most that was measured |
//! | `table` | the rows of the page |

mod search;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use phasebox_fuzz::contract;

use search::{Measured, measured, most_size};
use table::{Row, fits, is_page_of, page, table, write};

/// No built-in data set has items beside inputs and target, so the host has none to give.
const NEVER_THERE: &str = "phase-context.additional-batch-item";

/// Functions that take a text of any length: they cut it, or answer that nothing has this name.
const CUTTING: [&str; 11] = [
    "diagnostics.log",
    "diagnostics.report-failure",
    "phase-context.metric",
    "phase-context.stop-if-above",
    "phase-context.stop-if-nonfinite",
    "phase-context.stop-epoch",
    "phase-context.skip-batch",
    "phase-context.skip-backward",
    "phase-context.skip-step",
    "phase-context.disable-self",
    "phase-context.abort",
];

fn measure_all() -> BTreeMap<String, Measured> {
    let numbers = 0..contract::functions().len();
    let all = numbers.map(measured);
    all.inspect(|(name, measured)| println!("{name}: {}", measured.shown()))
        .collect()
}

/// The most that a function is measured again: what the machine does meanwhile is no cost of the function, which it has each
/// time.
const AGAIN: usize = 5;

/// Measures again the functions that do not fit their rows.
fn measure_again(all: &mut BTreeMap<String, Measured>) {
    let page = page();
    for (number, name) in contract::functions().iter().enumerate() {
        for _ in 0..AGAIN {
            let fits = page.get(name).is_none_or(|row: &Row| row.holds(&all[name]));
            if fits {
                break;
            }
            all.extend([measured(number)]);
        }
    }
}

/// Refusals that are missing: of functions that never said yes, of texts that are too long, and of limits without room.
fn faults(all: &BTreeMap<String, Measured>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, measured) in all {
        if !measured.was_accepted && name != NEVER_THERE {
            faults.push(format!("{name} was never accepted"));
        }
        let cuts = CUTTING.contains(&name.as_str());
        let refuses = measured.refusals.contains("too-large");
        if contract::given(name).contains("string") && !cuts && !refuses {
            faults.push(format!("{name} takes texts of any length"));
        }
        faults.extend(
            measured
                .faults
                .iter()
                .map(|fault| format!("{name}: {fault}")),
        );
    }
    faults
}

#[test]
fn every_function_costs_what_the_page_says() {
    let mut all = measure_all();
    let known: BTreeSet<String> = contract::functions().into_iter().collect();
    let found: BTreeSet<String> = all.keys().cloned().collect();
    assert_eq!(found, known, "those measured, and the contract's");
    if is_page_of(most_size()) {
        measure_again(&mut all);
    }
    let faults = faults(&all);
    assert!(faults.is_empty(), "{faults:#?}\n{}", table(&all));
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        write(&table(&all));
    }
    if is_page_of(most_size()) {
        check_page(&all);
    } else {
        let without: Vec<&String> = all.keys().filter(|name| !fits(&all[*name])).collect();
        assert!(
            without.is_empty(),
            "beyond all bounds: {without:?}\n{}",
            table(&all)
        );
    }
}

/// Compares the rows of the page with what was measured.
fn check_page(all: &BTreeMap<String, Measured>) {
    let page = page();
    let holds = |name: &String, measured: &Measured| {
        let row = page.get(name);
        row.is_some_and(|row: &Row| row.holds(measured))
    };
    let wrong = all.iter().filter(|(name, measured)| !holds(name, measured));
    let wrong: Vec<_> = wrong
        .map(|(name, measured)| (name, measured.shown()))
        .collect();
    let stale: Vec<&String> = page
        .keys()
        .filter(|name| !all.contains_key(*name))
        .collect();
    assert!(
        wrong.is_empty() && stale.is_empty(),
        "{wrong:#?} {stale:?}\n{}",
        table(all)
    );
}
