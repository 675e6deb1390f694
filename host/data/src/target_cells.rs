//! The cells of a target's column while a table is read: numbers, or the classes that their texts name. Owns what is no
//! class; keeps each text once, so that a table takes no more memory than its numbers.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};

use super::class_name::check_class_name;
use super::table::{Target, Task, narrowed, number};
use phasebox_contract::printable::excerpt;

/// More classes are a mistake, such as a column of names.
const MOST_CLASSES: usize = 100_000;

/// The cells of a column.
pub(super) enum TargetCells {
    Classes(ClassCells),
    Numbers(Vec<f32>),
}

/// Cells that name classes.
#[derive(Default)]
pub(super) struct ClassCells {
    /// The text of each class, in the order in which they appear.
    texts: Vec<String>,
    /// The line in which each appears first.
    lines: Vec<u64>,
    /// The place of each text in `texts`.
    places: HashMap<String, usize>,
    /// The class of each row.
    rows: Vec<u32>,
}

impl TargetCells {
    pub(super) fn new(task: Task) -> Self {
        match task {
            Task::Classification => Self::Classes(ClassCells::default()),
            Task::Regression => Self::Numbers(Vec::new()),
        }
    }

    /// Adds the cell of the next row, which begins in `line`.
    ///
    /// # Errors
    /// A cell that is no number, for a regression; a class whose name has control characters, or too many classes.
    pub(super) fn push(&mut self, cell: &str, line: u64) -> Result<()> {
        match self {
            Self::Classes(cells) => cells.push(cell, line),
            Self::Numbers(numbers) => {
                numbers.push(number(cell).and_then(narrowed)?);
                Ok(())
            }
        }
    }

    /// The targets of all rows.
    ///
    /// # Errors
    /// Too many or too few classes for a classification; classes that are one number written in two ways.
    pub(super) fn target(self) -> Result<Target> {
        match self {
            Self::Classes(cells) => cells.target(),
            Self::Numbers(numbers) => Ok(Target::Numbers(numbers)),
        }
    }
}

impl ClassCells {
    fn push(&mut self, cell: &str, line: u64) -> Result<()> {
        let place = match self.places.get(cell) {
            Some(place) => *place,
            None => self.add(cell, line)?,
        };
        self.rows.push(u32::try_from(place)?);
        Ok(())
    }

    fn add(&mut self, cell: &str, line: u64) -> Result<usize> {
        ensure!(
            !cell.contains(char::is_control),
            "the class `{}` has a character in its name that cannot be shown\nhint: take it out",
            excerpt(cell)
        );
        check_class_name(cell)?;
        let place = self.texts.len();
        ensure!(
            place < MOST_CLASSES,
            "the target has more than {MOST_CLASSES} different values: that is no classification\n{OTHER_TARGET}"
        );
        self.places.insert(cell.to_owned(), place);
        self.texts.push(cell.to_owned());
        self.lines.push(line);
        Ok(place)
    }

    fn target(self) -> Result<Target> {
        let (count, rows) = (self.texts.len(), self.rows.len());
        ensure!(
            count > 1 && count <= rows.div_ceil(2),
            "the target has {count} different values in {rows} rows: that is no classification\n{OTHER_TARGET}"
        );
        let order = self.order()?;
        let mut labels = vec![0; count];
        for (label, place) in (0..).zip(&order) {
            labels[*place] = label;
        }
        let rows = self.rows.iter();
        Ok(Target::Classes {
            labels: rows.map(|place| labels[*place as usize]).collect(),
            names: order
                .iter()
                .map(|place| self.texts[*place].clone())
                .collect(),
        })
    }

    /// The classes by value if all are numbers, by name otherwise.
    fn order(&self) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by(|a, b| self.texts[*a].cmp(&self.texts[*b]));
        let values: Option<Vec<f64>> = self.texts.iter().map(|text| text.parse().ok()).collect();
        if let Some(values) = values {
            order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
            self.check_numbers(&order)?;
        }
        Ok(order)
    }

    /// Refuses two classes that are one number, such as `1` and `1.0`.
    fn check_numbers(&self, order: &[usize]) -> Result<()> {
        let mut pairs = order.windows(2);
        let same = pairs.find(|pair| is_same(&self.texts[pair[0]], &self.texts[pair[1]]));
        let Some(&[one, other]) = same else {
            return Ok(());
        };
        bail!(
            "the classes `{}` (first in line {}) and `{}` (line {}) are one number\nhint: write it in one way",
            excerpt(&self.texts[one]),
            self.lines[one],
            excerpt(&self.texts[other]),
            self.lines[other]
        )
    }
}

const OTHER_TARGET: &str = "hint: choose another `target`, or set `task: regression`";

/// The texts are one number. Integers are compared by their digits: float64 has not all of them.
fn is_same(one: &str, other: &str) -> bool {
    match (one.parse::<i128>(), other.parse::<i128>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.parse::<f64>().ok() == other.parse::<f64>().ok(),
    }
}
