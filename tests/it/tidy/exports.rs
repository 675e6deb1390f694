//! Items that a crate of the host exports, and whether another crate uses them. A word is a use: the check knows no
//! types, and misses an unused item that shares its name with a used one.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::code::{bare, end_of_block, words};
use super::{Source, check, host_crates, host_sources, sources};

/// Crates that nobody depends on, and the one that is the product: what it exports is for its users.
const NOT_EXPORTING: [&str; 3] = ["phasebox", "fuzz", "xtask"];

/// Items that only tests, benches, examples or fuzzing use, with the reason that they are there.
const FOR_TESTS: &[(&str, &str)] = &[
    (
        "fire",
        "a bench and a test of allocations call callbacks without a trainer",
    ),
    (
        "lines_of_source",
        "fuzzing reads debug information without a process of its own",
    ),
    ("operations", "the tests of tapes count what was recorded"),
    ("phases_of", "fuzzing reads projects without a compiler"),
    (
        "record_with",
        "a recorder made for tests records where there is no GPU",
    ),
    (
        "to_tensors",
        "the tests of lists look at every tensor of one",
    ),
];

const KINDS: [&str; 8] = [
    "fn", "struct", "enum", "trait", "const", "type", "mod", "static",
];
/// Kinds that a public signature may have to name, though nobody outside writes their names.
const NAMED_IN_SIGNATURES: [&str; 4] = ["struct", "enum", "trait", "type"];

struct Export {
    place: String,
    kind: &'static str,
    name: String,
}

/// Words of the code of other crates, and of everything that only tests are made of.
#[derive(Default)]
struct Uses {
    product: HashSet<String>,
    tests: HashSet<String>,
}

impl Uses {
    /// Every use outside of one crate.
    fn outside(exporting: &str) -> Uses {
        let mut uses = Uses::default();
        for name in host_crates() {
            if name == exporting {
                continue;
            }
            for source in sources(&format!("host/{name}"), ".rs") {
                let is_product =
                    name != "fuzz" && source.path.starts_with(&format!("host/{name}/src"));
                uses.add(&source, is_product);
            }
        }
        let tests = sources("tests", ".rs");
        let own = sources(&format!("host/{exporting}"), ".rs").into_iter();
        let beside_src =
            own.filter(|source| !source.path.starts_with(&format!("host/{exporting}/src")));
        tests
            .into_iter()
            .chain(beside_src)
            .for_each(|source| uses.add(&source, false));
        uses
    }

    fn add(&mut self, source: &Source, is_product: bool) {
        if is_product {
            add_words(&mut self.product, &source.code());
        }
        add_words(&mut self.tests, &bare(&source.text));
    }
}

fn add_words(to: &mut HashSet<String>, text: &str) {
    to.extend(words(text).map(str::to_owned));
}

/// The items that lines of a source export. Where rustc is told to expect that it cannot be reached from outside, `pub`
/// is only for a macro.
fn exports(source: &Source) -> Vec<Export> {
    if source.text.contains("expect(unreachable_pub") {
        return Vec::new();
    }
    let code = source.code();
    let lines = code.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let (kind, name) = exported(line)?;
            let place = source.place(index, line);
            Some(Export { place, kind, name })
        })
        .collect()
}

/// The kind and the name of the item that a line declares public.
fn exported(line: &str) -> Option<(&'static str, String)> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let mut words = words(rest).skip_while(|word| ["unsafe", "async"].contains(word));
    let first = words.next()?;
    let second = words.next()?;
    let (kind, name) = match (first, second) {
        ("const", "fn") => ("fn", words.next()?),
        (kind, name) => (kind, name),
    };
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    Some((kind, name.to_owned()))
}

/// Words of the types that public items of a crate name: parameters, results, fields, variants and bounds.
fn signature_words(sources: &[Source]) -> HashSet<String> {
    let mut found = HashSet::new();
    for source in sources {
        let code = source.code();
        for (at, _) in code.match_indices("pub ") {
            add_words(&mut found, signature(&code[at..]));
        }
        for (at, _) in code.match_indices("impl<") {
            add_words(&mut found, bounds(&code[at..]));
        }
    }
    found
}

/// The part of a public item after its name that others see.
fn signature(item: &str) -> &str {
    let first_line = item.lines().next().unwrap_or_default();
    let Some((kind, name)) = exported(first_line) else {
        return first_line;
    };
    let after_name = first_line.find(&name).map_or(0, |at| at + name.len());
    let end = match kind {
        "trait" | "enum" => end_of_block(item),
        _ => item.find(['{', ';']).unwrap_or(item.len()),
    };
    &item[after_name..end.max(after_name)]
}

/// The generic parameters of an `impl`, which may be bound by a trait.
fn bounds(implementation: &str) -> &str {
    implementation.split('>').next().unwrap_or_default()
}

#[test]
fn exported_items_are_used_by_other_crates() {
    let mut unused = Vec::new();
    for name in host_crates() {
        if !NOT_EXPORTING.contains(&name.as_str()) {
            unused.extend(unused_exports(&name));
        }
    }
    check("exported, and no other crate uses it", unused);
}

fn unused_exports(host_crate: &str) -> Vec<String> {
    let own = host_sources(host_crate);
    let uses = Uses::outside(host_crate);
    let named = signature_words(&own);
    let mut unused = Vec::new();
    for export in own.iter().flat_map(exports) {
        let in_signature =
            NAMED_IN_SIGNATURES.contains(&export.kind) && named.contains(&export.name);
        if uses.product.contains(&export.name) || in_signature || is_for_tests(&export.name) {
            continue;
        }
        let mut place = export.place;
        if uses.tests.contains(&export.name) {
            _ = write!(place, " (tests use it)");
        }
        unused.push(place);
    }
    unused
}

fn is_for_tests(name: &str) -> bool {
    FOR_TESTS.iter().any(|(known, _)| *known == name)
}

#[test]
fn exceptions_for_tests_are_used_by_tests_alone() {
    let mut stale = Vec::new();
    for (name, _) in FOR_TESTS {
        let exporting = host_crates().into_iter().find(|host_crate| {
            let own = host_sources(host_crate);
            own.iter()
                .flat_map(exports)
                .any(|export| export.name == *name)
        });
        let uses = exporting.map(|host_crate| Uses::outside(&host_crate));
        let is_right =
            uses.is_some_and(|uses| uses.tests.contains(*name) && !uses.product.contains(*name));
        if !is_right {
            stale.push((*name).to_owned());
        }
    }
    check("FOR_TESTS has what it need not have", stale);
}
