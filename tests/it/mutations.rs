//! Three hundred slips of the hand in recipes: each is refused with its place, or noted as without effect, or changes the
//! run. None is accepted and then ignored.

mod bases;
mod change;
mod judge;
mod tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use phasebox_data::Random;

use crate::harness::{Scratch, alone};
use bases::bases;
use change::draw;
use judge::{Judge, Verdict};

const COUNT: usize = 300;
/// Another one draws other mutations.
const SEED: u64 = 12;

#[test]
fn no_mutated_recipe_is_accepted_without_effect() {
    let _alone = alone();
    let scratch = Scratch::new();
    let bases = bases(&scratch);
    let mut judge = Judge::new(&scratch);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = String::new();
    for number in 0..COUNT {
        let base = &bases[number % bases.len()];
        let mut random = Random::new(SEED << 32 | number as u64);
        let mutation = draw(&base.recipe, &mut random);
        let verdict = judge.judge(number, base, &mutation);
        *counts.entry(verdict.name()).or_default() += 1;
        if let Verdict::Wrong(why) = verdict {
            let (key, change) = (&mutation.key, &mutation.change);
            _ = writeln!(wrong, "{number} {}: `{key}` {change}: {why}", base.name);
        }
    }
    println!("{counts:?}");
    assert!(wrong.is_empty(), "{counts:?}\n{wrong}");
}
