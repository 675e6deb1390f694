//! Rights beyond reading without a sync and logging that a recipe can give to a callback. Owns their names and what
//! each allows. Who gets what is decided by the recipe; refusing is done where a guest asks.

macro_rules! grants {
    ($($variant:ident = $name:literal: $what:literal,)*) => {
        /// One right that a recipe can give to a callback.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Grant { $(#[doc = $what] $variant,)* }

        impl Grant {
            /// Every grant there is.
            pub const ALL: &'static [Grant] = &[$(Grant::$variant,)*];
            /// Their names, as recipes write them.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// The name in a recipe.
            pub fn name(self) -> &'static str {
                match self { $(Grant::$variant => $name,)* }
            }

            /// The action it allows, to finish the sentence "the callback may …".
            pub fn allows(self) -> &'static str {
                match self { $(Grant::$variant => $what,)* }
            }
        }
    };
}

grants! {
    Inputs = "inputs": "replace or change the inputs of a batch",
    Target = "target": "replace or change the target of a batch",
    Loss = "loss": "replace or change the loss",
    Gradients = "gradients": "change gradients",
    Parameters = "parameters": "change parameters and buffers, freeze and unfreeze",
    Optimizer = "optimizer": "set learning rates, hyperparameters, accumulation and optimizer state",
    Criterion = "criterion": "set parameters of the loss function",
    Loaders = "loaders": "set parameters of data loaders",
    Stop = "stop": "end the epoch or the training",
    Skip = "skip": "skip batches, backward passes and steps",
    Validate = "validate": "request a validation pass",
    Checkpoint = "checkpoint": "request a checkpoint",
    Sync = "sync": "wait for the device, as whatever reads values of tensors does",
    Files = "files": "write files into its own folder of the run",
    Clock = "clock": "read the time",
    Random = "random": "draw random numbers",
    Passes = "passes": "run the network beside the loop, and repeat a backward pass",
}

impl Grant {
    /// The grant of that name.
    pub fn from_name(name: &str) -> Option<Grant> {
        Grant::ALL
            .iter()
            .copied()
            .find(|grant| grant.name() == name)
    }
}

/// The grants of one callback.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Grants(u32);

impl Grants {
    /// True if `grant` was given.
    #[inline]
    pub fn has(self, grant: Grant) -> bool {
        self.0 & (1 << grant as u32) != 0
    }

    /// The names of what was given, in the order of [`Grant::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        Grant::ALL
            .iter()
            .filter(|grant| self.has(**grant))
            .map(|grant| grant.name())
            .collect()
    }

    /// The grants that `self` has and `other` lacks.
    pub fn without(self, other: Grants) -> Grants {
        Grants(self.0 & !other.0)
    }

    /// True if nothing was given.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Grants {
        Grants(
            grants
                .into_iter()
                .fold(0, |set, grant| set | 1 << grant as u32),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names between backticks in the sentence of `wit/world.wit` that begins with "The grants are".
    fn in_contract() -> Vec<&'static str> {
        let contract = include_str!("../../../wit/world.wit");
        let (_, list) = contract
            .split_once("/// The grants are ")
            .expect("world.wit has the list");
        let (list, _) = list.split_once('.').expect("a sentence ends");
        list.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn grants_are_those_of_the_contract() {
        assert_eq!(in_contract(), Grant::NAMES);
    }
}
