//! The data set `csv`: reads a file of named columns and divides its rows. The rows themselves are a `table`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};
use serde::{Deserialize, Serialize};

use super::Splits;
use super::data_file::DataFile;
use super::hold_out::{Division, hold_out};
use super::table::{Table, Target, Task, chosen, number};

/// Recipe keys of `csv`: a file with a header line, packed if it ends in `.gz`. Samples are float32 `[features]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvConfig {
    /// The file.
    pub file: PathBuf,
    /// The column to predict.
    pub target: String,
    /// The kind of target.
    #[serde(default)]
    pub task: Task,
    /// The columns to predict from, in this order; all others when left out.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// The character between two fields.
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
    /// The seed that chooses the rows of each part.
    #[serde(default)]
    pub split_seed: u64,
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
        let delimiter =
            u8::try_from(self.delimiter).context("csv: `delimiter` must be one ASCII character")?;
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(Trim::All)
            .from_reader(DataFile::open(path)?.into_reader());
        let table = self.table(&mut reader, format!("csv {}", path.display()));
        table.with_context(|| path.display().to_string())
    }

    fn table(&self, reader: &mut Reader, description: String) -> Result<Table> {
        let columns = self.columns(reader.headers()?)?;
        let rows = Rows::read(reader, &columns)?;
        Ok(Table {
            description,
            features: rows.features,
            width: columns.features.len(),
            target: Target::parse(rows.targets, self.task)?,
        })
    }

    /// Finds the columns by name.
    fn columns(&self, header: &StringRecord) -> Result<Columns> {
        let target = find(header, &self.target)?;
        let features = self.features(header)?;
        ensure!(
            !features.is_empty(),
            "no feature is left beside the target `{}`\nhint: see `features` and `delimiter`",
            self.target
        );
        ensure!(
            features.iter().all(|(column, _)| *column != target),
            "`features` has the target `{}` in it\nhint: take it out",
            self.target
        );
        Ok(Columns { target, features })
    }

    /// The columns to predict from: those of the recipe, or all but the target.
    fn features(&self, header: &StringRecord) -> Result<Vec<(usize, String)>> {
        let mut features = Vec::new();
        let listed = self.features.as_deref().unwrap_or_default();
        for name in listed {
            features.push((find(header, name)?, name.clone()));
        }
        if self.features.is_none() {
            for name in header.iter().filter(|name| *name != self.target) {
                features.push((find(header, name)?, name.to_owned()));
            }
        }
        Ok(features)
    }

    fn split(&self, mut table: Table) -> Result<Splits> {
        let (labels, classes) = table.target.strata();
        let rows = hold_out(&labels, classes, self.validation_fraction, self.split_seed)?;
        ensure!(
            !rows.held_out.is_empty(),
            "no row to validate with\nhint: raise `validation_fraction`"
        );
        let rest: Vec<i64> = rows.kept.iter().map(|&row| labels[row]).collect();
        let Division { kept, held_out } =
            hold_out(&rest, classes, self.test_fraction, self.split_seed)?;
        let train = chosen(&rows.kept, &kept);
        let test = chosen(&rows.kept, &held_out);
        if self.standardize {
            table.standardize(&train);
        }
        let test = (!test.is_empty()).then(|| Arc::new(table.select(&test)) as _);
        let validation = Arc::new(table.select(&rows.held_out));
        Ok(Splits {
            train: Arc::new(table.select(&train)),
            validation,
            test,
        })
    }
}

type Reader = csv::Reader<Box<dyn Read>>;

/// The columns that count.
struct Columns {
    /// Index in a row.
    target: usize,
    /// Index in a row, and name.
    features: Vec<(usize, String)>,
}

/// The index of the column `name`.
fn find(header: &StringRecord, name: &str) -> Result<usize> {
    let columns = header.iter().enumerate();
    let mut found = columns.filter(|(_, column)| *column == name);
    let (index, _) = found.next().with_context(|| {
        let all: Vec<&str> = header.iter().collect();
        format!("no column `{name}`\nhint: it has {}", all.join(", "))
    })?;
    ensure!(
        found.next().is_none(),
        "two columns are named `{name}`\nhint: rename one"
    );
    Ok(index)
}

/// The cells of a file that count.
struct Rows {
    features: Vec<f32>,
    targets: Vec<String>,
}

impl Rows {
    fn read(reader: &mut Reader, columns: &Columns) -> Result<Self> {
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
