//! Running totals of one metric on the device. Knows no metric.

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};
use torch_ext::{owned_copy, owned_copy_on};

use super::Count;

/// The most numbers that one metric gathers in a pass: 1 GiB of float32.
const MOST_GATHERED: usize = 1 << 28;

/// How counts become totals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Sums are added in place: the memory stays the same, so a recorded step can do it.
    Add,
    /// Rows are kept, one batch after the other: outside of recorded steps.
    Append,
}

/// The counts so far: nothing until the first batch, which decides width, kind and device.
pub(super) struct Totals {
    rule: Rule,
    kept: Option<Kept>,
}

struct Kept {
    /// The sums, 1-d, int64 or float64; or the rows of each batch, `[n, k]`.
    numbers: Vec<Tensor>,
    /// The number of elements that the sums are over, or of rows; 0-d int64.
    elements: Tensor,
}

impl Totals {
    pub(super) fn new(rule: Rule) -> Totals {
        Totals { rule, kept: None }
    }

    /// Adds the count of a batch. No sync.
    pub(super) fn add(&mut self, count: &Count) -> Result<()> {
        let kept = match &mut self.kept {
            Some(kept) => kept,
            None => self.kept.insert(Kept::nothing_of(self.rule, count)?),
        };
        match self.rule {
            Rule::Add => kept.add(&count.numbers)?,
            Rule::Append => kept.append(&count.numbers)?,
        }
        let _ = kept.elements.f_add_scalar_(count.elements)?;
        Ok(())
    }

    /// How counts become totals.
    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    /// Adds the totals of other samples, on the same device. No sync.
    pub(super) fn merge(&mut self, other: &Totals) -> Result<()> {
        let Some(theirs) = &other.kept else {
            return Ok(());
        };
        for numbers in &theirs.numbers {
            let count = Count {
                numbers: numbers.shallow_clone(),
                elements: 0,
            };
            self.add(&count)?;
        }
        if let Some(own) = &mut self.kept {
            let _ = own.elements.f_add_(&theirs.elements)?;
        }
        Ok(())
    }

    /// Sets the totals to zero, sums in place. No sync.
    pub(super) fn reset(&mut self) -> Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        match self.rule {
            Rule::Add => kept.numbers.iter_mut().try_for_each(zero)?,
            Rule::Append => kept.numbers.clear(),
        }
        zero(&mut kept.elements)
    }

    /// The first sum over the elements, 0-d float64 on the device; nothing before the first batch.
    pub(super) fn first_mean(&self) -> Result<Option<Tensor>> {
        let Some(Kept { numbers, elements }) = &self.kept else {
            return Ok(None);
        };
        let Some(sums) = numbers.first() else {
            return Ok(None);
        };
        let first = sums.f_select(0, 0)?.f_to_kind(Kind::Double)?;
        Ok(Some(first.f_div(elements)?))
    }

    /// The length of [`Totals::flat`].
    pub(super) fn width(&self) -> Option<usize> {
        self.kept.as_ref().map(|kept| kept.numel() + 1)
    }

    /// All numbers, then elements, as one float64 tensor (exact up to 2⁵³); nothing before the first batch.
    pub(super) fn flat(&self) -> Option<Result<Tensor>> {
        self.kept.as_ref().map(Kept::flat)
    }

    /// The names of numbers and elements in the saved state of `metric`.
    pub(super) fn names(metric: &str) -> [String; 2] {
        [format!("{metric}.sums"), format!("{metric}.elements")]
    }

    /// Numbers and elements by name: shallow handles, but for rows, which are joined. No sync.
    pub(super) fn state(&self, metric: &str) -> Result<Vec<(String, Tensor)>> {
        let Some(kept) = &self.kept else {
            return Ok(Vec::new());
        };
        let numbers = match kept.numbers.as_slice() {
            [] => return Ok(Vec::new()),
            [only] => only.shallow_clone(),
            rows => Tensor::f_cat(rows, 0)?,
        };
        let [numbers_name, elements_name] = Totals::names(metric);
        Ok(vec![
            (numbers_name, numbers),
            (elements_name, kept.elements.shallow_clone()),
        ])
    }

    /// Handles to sums and elements; nothing of what is gathered. No sync.
    pub(super) fn sums(&self, metric: &str) -> Vec<(String, Tensor)> {
        match (self.rule, &self.kept) {
            (Rule::Add, Some(kept)) => {
                let [numbers_name, elements_name] = Totals::names(metric);
                let numbers = kept.numbers.iter();
                let numbers = numbers.map(|sums| (numbers_name.clone(), sums.shallow_clone()));
                let elements = (elements_name, kept.elements.shallow_clone());
                numbers.chain([elements]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Takes copies of the totals that `state` has for `metric`, on `device`; without any, nothing has been counted.
    pub(super) fn load(
        &mut self,
        metric: &str,
        state: &[(String, Tensor)],
        device: Device,
    ) -> Result<()> {
        let saved = Totals::names(metric).map(|name| find(state, &name));
        self.kept = match saved {
            [Some(numbers), Some(elements)] => Some(Kept {
                numbers: vec![owned_copy_on(numbers, device)?],
                elements: owned_copy_on(elements, device)?,
            }),
            _ => None,
        };
        Ok(())
    }
}

impl Kept {
    fn nothing_of(rule: Rule, count: &Count) -> Result<Kept> {
        let numbers = match rule {
            Rule::Add => vec![count.numbers.f_zeros_like()?],
            Rule::Append => Vec::new(),
        };
        let device = count.numbers.device();
        Ok(Kept {
            numbers,
            elements: Tensor::f_zeros([0; 0], (Kind::Int64, device))?,
        })
    }

    fn add(&mut self, addend: &Tensor) -> Result<()> {
        for sums in &mut self.numbers {
            ensure!(
                sums.size() == addend.size(),
                "the number of classes changed within a pass"
            );
            let _ = sums.f_add_(addend)?;
        }
        Ok(())
    }

    /// Keeps a copy: the memory of predictions is written again by the next replay of a recorded step.
    fn append(&mut self, rows: &Tensor) -> Result<()> {
        let before = self.numbers.first();
        ensure!(
            before.is_none_or(|before| before.size()[1..] == rows.size()[1..]),
            "the number of classes changed within a pass"
        );
        ensure!(
            self.numel() + rows.numel() <= MOST_GATHERED,
            "it would gather more than {MOST_GATHERED} numbers in one pass: leave it out, or set `max_batches`"
        );
        self.numbers.push(owned_copy(rows)?);
        Ok(())
    }

    fn numel(&self) -> usize {
        self.numbers.iter().map(Tensor::numel).sum()
    }

    fn flat(&self) -> Result<Tensor> {
        let mut numbers = Vec::with_capacity(self.numbers.len() + 1);
        for part in self.numbers.iter().chain([&self.elements]) {
            numbers.push(part.f_to_kind(Kind::Double)?.f_reshape([-1])?);
        }
        Ok(Tensor::f_cat(&numbers, 0)?)
    }
}

fn zero(tensor: &mut Tensor) -> Result<()> {
    let _ = tensor.f_zero_()?;
    Ok(())
}

fn find<'a>(state: &'a [(String, Tensor)], name: &str) -> Option<&'a Tensor> {
    let found = state.iter().find(|(known, _)| known == name);
    found.map(|(_, tensor)| tensor)
}
