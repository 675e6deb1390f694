//! The data set `csv`: reads a file of named columns and divides its rows. What the rows then are is `table`'s.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};
use serde::{Deserialize, Serialize};

use super::Splits;
use super::files::DataFile;
use super::split::{Parts, hold_out};
use super::table::{Table, Target};

/// Recipe keys of `csv`: a file with a header line, packed if it ends in `.gz`. Samples are float32 `[features]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvConfig {
    /// The file.
    pub file: PathBuf,
    /// The column to predict.
    pub target: String,
    /// What the target is.
    #[serde(default)]
    pub task: Task,
    /// The columns to predict from, in this order; all others when left out.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// What stands between two fields.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Gives each feature mean 0 and standard deviation 1, by the statistics of the training rows.
    #[serde(default = "yes")]
    pub standardize: bool,
    /// The fraction of all rows to validate with.
    #[serde(default = "fifth")]
    pub validation_fraction: f64,
    /// The fraction of the remaining rows to keep for the test.
    #[serde(default)]
    pub test_fraction: f64,
    /// Decides which rows these are.
    #[serde(default)]
    pub split_seed: u64,
}

/// What the target column of a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A class: any text, sorted by value where all are whole numbers and by name otherwise. Target int64 `[N]`.
    #[default]
    Classification,
    /// A number. Target float32 `[N, 1]`, like the output of a model with one unit: `[N]` would broadcast to `[N, N]`.
    Regression,
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

fn fifth() -> f64 {
    0.2
}

impl CsvConfig {
    pub(super) fn load(&self, base: &Path) -> Result<Splits> {
        let path = base.join(&self.file);
        self.split(self.read(&path)?)
            .with_context(|| path.display().to_string())
    }

    fn read(&self, path: &Path) -> Result<Table> {
        let failed = || path.display().to_string();
        let delimiter =
            u8::try_from(self.delimiter).context("csv: `delimiter` must be one ASCII character")?;
        let source = DataFile::open(path)?.into_reader();
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(Trim::All)
            .from_reader(source);
        let columns = self
            .columns(reader.headers().with_context(failed)?)
            .with_context(failed)?;
        let rows = Rows::read(&mut reader, &columns).with_context(failed)?;
        let target = Target::parse(rows.targets, self.task).with_context(failed)?;
        let description = format!("csv {}", path.display());
        Ok(Table {
            description,
            features: rows.features,
            width: columns.features.len(),
            target,
        })
    }

    /// Finds the columns by name.
    fn columns(&self, header: &StringRecord) -> Result<Columns> {
        let find = |name: &str| {
            let mut places = header
                .iter()
                .enumerate()
                .filter(|(_, column)| *column == name)
                .map(|(place, _)| place);
            let all = || header.iter().collect::<Vec<_>>().join(", ");
            let place = places
                .next()
                .with_context(|| format!("no column `{name}`\nhint: it has {}", all()))?;
            ensure!(
                places.next().is_none(),
                "two columns are named `{name}`\nhint: rename one"
            );
            Ok((place, name.to_owned()))
        };
        let target = find(&self.target)?;
        let features: Vec<_> = match &self.features {
            Some(names) => names.iter().map(|name| find(name)).collect::<Result<_>>()?,
            None => header
                .iter()
                .filter(|name| *name != target.1)
                .map(find)
                .collect::<Result<_>>()?,
        };
        ensure!(
            !features.is_empty(),
            "no feature is left beside the target `{}`\nhint: see `features` and `delimiter`",
            target.1
        );
        ensure!(
            !features.contains(&target),
            "`features` has the target `{}` in it\nhint: take it out",
            target.1
        );
        Ok(Columns {
            target: target.0,
            features,
        })
    }

    fn split(&self, mut table: Table) -> Result<Splits> {
        let (labels, classes) = table.target.strata();
        let parts = hold_out(&labels, classes, self.validation_fraction, self.split_seed)?;
        ensure!(
            !parts.held_out.is_empty(),
            "no row to validate with\nhint: raise `validation_fraction`"
        );
        let rest: Vec<i64> = parts.kept.iter().map(|&row| labels[row]).collect();
        let Parts { kept, held_out } =
            hold_out(&rest, classes, self.test_fraction, self.split_seed)?;
        let rows = |places: Vec<usize>| {
            places
                .into_iter()
                .map(|place| parts.kept[place])
                .collect::<Vec<_>>()
        };
        let (train, test) = (rows(kept), rows(held_out));
        if self.standardize {
            table.standardize(&train);
        }
        let test = (!test.is_empty()).then(|| Arc::new(table.select(&test)) as _);
        let validation = Arc::new(table.select(&parts.held_out));
        Ok(Splits {
            train: Arc::new(table.select(&train)),
            validation,
            test,
        })
    }
}

/// Where in a row to look, and what it is called there.
struct Columns {
    target: usize,
    features: Vec<(usize, String)>,
}

/// The cells of a file that count.
struct Rows {
    features: Vec<f32>,
    targets: Vec<String>,
}

impl Rows {
    fn read(reader: &mut csv::Reader<Box<dyn Read>>, columns: &Columns) -> Result<Self> {
        let mut rows = Self {
            features: Vec::new(),
            targets: Vec::new(),
        };
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            for (place, name) in &columns.features {
                let number = number(&record[*place]);
                rows.features
                    .push(number.with_context(|| format!("line {line}, column `{name}`"))?);
            }
            rows.targets.push(record[columns.target].to_owned());
        }
        ensure!(!rows.targets.is_empty(), "no rows below the header");
        Ok(rows)
    }
}

pub(super) fn number(cell: &str) -> Result<f32> {
    match cell.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => bail!(
            "`{cell}` is not a finite number\nhint: fill gaps, and turn words into numbers, before training"
        ),
    }
}
