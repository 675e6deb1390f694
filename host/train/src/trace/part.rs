//! The parts of a batch and of the network whose tensors a trace may keep. Owns their names, which are the contract's.

use std::str::FromStr;

use anyhow::{Error, Result, anyhow};
use phasebox_contract::suggest;
use serde::{Deserialize, Serialize};

/// A kind of tensors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The loss and its parts; always kept.
    Loss,
    /// The inputs of the batch.
    Inputs,
    /// The target of the batch.
    Target,
    /// The predictions of the batch.
    Preds,
    /// The tensors that the data set gives beside inputs and target.
    Additional,
    /// The gradients of the network.
    Gradients,
    /// The parameters of the network.
    Parameters,
    /// The buffers of the network.
    Buffers,
}

/// The names as `--trace` takes them.
const NAMES: [(Part, &str); Part::ALL.len()] = [
    (Part::Loss, "loss"),
    (Part::Inputs, "inputs"),
    (Part::Target, "target"),
    (Part::Preds, "preds"),
    (Part::Additional, "additional"),
    (Part::Gradients, "gradients"),
    (Part::Parameters, "parameters"),
    (Part::Buffers, "buffers"),
];

/// Words that people use in place of the contract's.
const OTHER_WORDS: [(&str, Part); 7] = [
    ("input", Part::Inputs),
    ("targets", Part::Target),
    ("predictions", Part::Preds),
    ("grads", Part::Gradients),
    ("params", Part::Parameters),
    ("weights", Part::Parameters),
    ("losses", Part::Loss),
];

impl Part {
    /// All of them, in the order of their bits in [`Parts`].
    pub const ALL: [Part; 8] = [
        Part::Loss,
        Part::Inputs,
        Part::Target,
        Part::Preds,
        Part::Additional,
        Part::Gradients,
        Part::Parameters,
        Part::Buffers,
    ];

    /// The name, as `--trace` takes it.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The words for it in a sentence.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Part::Loss => "the loss",
            Part::Inputs => "the inputs",
            Part::Target => "the target",
            Part::Preds => "the predictions",
            Part::Additional => "the additional items of the batch",
            Part::Gradients => "the gradients",
            Part::Parameters => "the parameters",
            Part::Buffers => "the buffers",
        }
    }
}

/// A set of parts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Parts(u8);

impl Parts {
    /// True if `part` is in the set.
    #[inline]
    pub fn contains(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }

    /// Adds a part.
    pub fn insert(&mut self, part: Part) {
        self.0 |= 1 << part as u8;
    }

    /// Its parts, in their order.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL
            .into_iter()
            .filter(move |part| self.contains(*part))
    }

    /// The parts that `other` lacks.
    pub fn without(self, other: Parts) -> Parts {
        Parts(self.0 & !other.0)
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Parts {
        let mut set = Parts::default();
        parts.into_iter().for_each(|part| set.insert(part));
        set
    }
}

impl FromStr for Parts {
    type Err = Error;

    /// Reads names with commas between them. The loss is always among the parts.
    fn from_str(text: &str) -> Result<Parts> {
        let mut parts = Parts::from_iter([Part::Loss]);
        let words = text.split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            parts.insert(named(word)?);
        }
        Ok(parts)
    }
}

fn named(word: &str) -> Result<Part> {
    let known = NAMES.iter().find(|(_, name)| *name == word);
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == word);
    let found = known
        .map(|(part, _)| *part)
        .or(other.map(|(_, part)| *part));
    found.ok_or_else(|| {
        let names = NAMES.map(|(_, name)| name);
        anyhow!(
            "a trace keeps no `{word}`{}; give the names with commas between them, after the recipe",
            suggest::hint(word, &names)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_the_loss_is_always_kept() {
        for (text, expected) in [
            ("", Ok(vec!["loss"])),
            ("loss", Ok(vec!["loss"])),
            ("preds, inputs,", Ok(vec!["loss", "inputs", "preds"])),
            ("weights", Ok(vec!["loss", "parameters"])),
            ("gradient", Err("did you mean `gradients`?")),
            ("recipes/digits.yaml", Err("after the recipe")),
        ] {
            match (text.parse::<Parts>(), expected) {
                (Ok(parts), Ok(expected)) => {
                    let names: Vec<&str> = parts.iter().map(Part::name).collect();
                    assert_eq!(names, expected, "{text}");
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{text}: {error}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn every_part_has_its_own_name() {
        for (part, (named, _)) in Part::ALL.into_iter().zip(NAMES) {
            assert_eq!(part, named);
        }
    }
}
