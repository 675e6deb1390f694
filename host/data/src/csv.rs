//! The data set `csv`: reads a file of named columns and divides its rows. The rows themselves are a `table`.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use torch_ext::check_item_name;

use super::Splits;
use super::data_file::DataFile;
use super::hold_out::{Division, hold_out};
use super::quotes::Quotes;
use super::standardize::Numbers;
use super::table::{Table, Task, chosen, narrowed, number};
use super::target_cells::TargetCells;
use phasebox_contract::printable::excerpt;

/// Recipe keys of `csv`: a file with a header line, packed if it ends in `.gz`. Samples are float32 `[features]`, or
/// several such inputs by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvConfig {
    /// The file.
    pub file: PathBuf,
    /// The column to predict; or several targets by name, `{name: {column: …, task: …}}`.
    pub target: Targets,
    /// The kind of target, where there is one. Named targets say theirs themselves.
    #[serde(default)]
    pub task: Task,
    /// The columns to predict from, in this order; all others when left out. Or several inputs by name, each with its
    /// columns: `{name: [columns]}`.
    #[serde(default)]
    pub features: Option<Features>,
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

/// The columns to predict.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`target` is a column or `{name: {column: …, task: …}}`"
)]
pub enum Targets {
    /// One column.
    Column(String),
    /// A target for each name, in this order.
    Named(Map<String, Value>),
}

/// One of several targets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedTarget {
    column: String,
    #[serde(default)]
    task: Task,
}

/// The columns to predict from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`features` is a list of columns or `{name: [columns]}`"
)]
pub enum Features {
    /// One input of these columns.
    Columns(Vec<String>),
    /// An input for each name, in this order.
    Named(Map<String, Value>),
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
        let file = DataFile::open(&path)?;
        let read = self.read(file).and_then(|file| self.split(file));
        read.with_context(|| path.display().to_string())
    }

    fn read(&self, file: DataFile) -> Result<File> {
        let delimiter = self.delimiter();
        let delimiter = delimiter
            .context("`delimiter` must be one ASCII character, no quote and no end of a line")?;
        let description = format!("csv {}", file.path.display());
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            // Cells are trimmed where they are read: the reader would copy each row for it.
            .trim(Trim::Headers)
            .from_reader(Quotes::new(file.into_reader(), delimiter));
        self.file(&mut reader, description)
    }

    fn delimiter(&self) -> Option<u8> {
        let delimiter = u8::try_from(self.delimiter).ok()?;
        let is_one = delimiter.is_ascii() && !b"\"\r\n".contains(&delimiter);
        is_one.then_some(delimiter)
    }

    fn file(&self, reader: &mut Reader, description: String) -> Result<File> {
        let columns = self.columns(reader.headers().map_err(flat)?)?;
        let rows = Rows::read(reader, &columns)?;
        let mut targets = Vec::new();
        for (wanted, cells) in columns.targets.iter().zip(rows.targets) {
            let target = cells.target();
            let target = target.with_context(|| format!("column `{}`", excerpt(&wanted.column)))?;
            targets.push((wanted.name.clone(), target));
        }
        let table = Table {
            description,
            features: Vec::new(),
            width: rows.numbers.width,
            inputs: columns.inputs,
            targets,
        };
        Ok(File {
            table,
            numbers: rows.numbers,
            lines: rows.lines,
            names: columns.features.into_iter().map(|(_, name)| name).collect(),
        })
    }

    /// Finds the columns by name.
    fn columns(&self, header: &StringRecord) -> Result<Columns> {
        let targets = self.targets(header)?;
        let inputs = self.inputs()?;
        self.refuse_twice()?;
        let mut features = Vec::new();
        let places = places(header);
        for name in self.feature_names(header, &targets, &inputs) {
            ensure!(
                !name.is_empty(),
                "a column without a name is no feature\nhint: name it in the first line, or list `features` without it"
            );
            features.push((find(&places, header, &name)?, name));
        }
        ensure!(
            !features.is_empty(),
            "no feature is left beside the target\nhint: see `features` and `delimiter`"
        );
        let mut all = targets.iter();
        let both = all.find(|target| features.iter().any(|(index, _)| *index == target.index));
        ensure!(
            both.is_none(),
            "`features` has the target `{}` in it\nhint: take it out",
            both.map_or(String::new(), |target| excerpt(&target.column))
        );
        Ok(Columns {
            targets,
            features,
            inputs: inputs
                .into_iter()
                .map(|(name, columns)| (name, columns.len()))
                .collect(),
        })
    }

    /// Refuses a column that one list of features names twice.
    fn refuse_twice(&self) -> Result<()> {
        let Some(Features::Columns(columns)) = &self.features else {
            return Ok(());
        };
        let mut sorted: Vec<&String> = columns.iter().collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
        match twice {
            Some(pair) => bail!(
                "`features` lists `{}` twice\nhint: take one out",
                excerpt(pair[0])
            ),
            None => Ok(()),
        }
    }

    /// The targets that the recipe names, one without a name or several.
    fn targets(&self, header: &StringRecord) -> Result<Vec<TargetColumn>> {
        let mut targets = Vec::new();
        let places = places(header);
        match &self.target {
            Targets::Column(column) => targets.push(TargetColumn {
                index: find(&places, header, column)?,
                column: column.clone(),
                name: String::new(),
                task: self.task,
            }),
            Targets::Named(named) => {
                for (name, value) in named {
                    check_item_name(name).context("`target`")?;
                    let target: NamedTarget = serde_json::from_value(value.clone())
                        .with_context(|| format!("`target.{name}`"))?;
                    targets.push(TargetColumn {
                        index: find(&places, header, &target.column)?,
                        column: target.column,
                        name: name.clone(),
                        task: target.task,
                    });
                }
            }
        }
        ensure!(
            !targets.is_empty(),
            "`target` names no column\nhint: write `target: COLUMN`"
        );
        Ok(targets)
    }

    /// Several inputs by name with their columns; none for one input.
    fn inputs(&self) -> Result<Vec<(String, Vec<String>)>> {
        let Some(Features::Named(named)) = &self.features else {
            return Ok(Vec::new());
        };
        let mut inputs = Vec::new();
        for (name, value) in named {
            check_item_name(name).context("`features`")?;
            let columns: Vec<String> = serde_json::from_value(value.clone())
                .with_context(|| format!("`features.{name}` is a list of columns"))?;
            ensure!(!columns.is_empty(), "`features.{name}` lists no column");
            inputs.push((name.clone(), columns));
        }
        Ok(inputs)
    }

    /// The columns to predict from: those of the recipe, or all but the targets.
    fn feature_names(
        &self,
        header: &StringRecord,
        targets: &[TargetColumn],
        inputs: &[(String, Vec<String>)],
    ) -> Vec<String> {
        match &self.features {
            Some(Features::Columns(columns)) => columns.clone(),
            Some(Features::Named(_)) => {
                let columns = inputs.iter().map(|(_, columns)| columns.clone());
                columns.collect::<Vec<_>>().concat()
            }
            None => header
                .iter()
                .filter(|name| targets.iter().all(|target| target.column != **name))
                .map(str::to_owned)
                .collect(),
        }
    }

    fn split(&self, file: File) -> Result<Splits> {
        let table = &file.table;
        let (labels, classes) = table.strata();
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
        let table = file.into_table(self.standardize.then_some(&train))?;
        let test = (!test.is_empty()).then(|| Arc::new(table.select(&test)) as _);
        let validation = Arc::new(table.select(&rows.held_out));
        Ok(Splits {
            train: Arc::new(table.select(&train)),
            validation,
            test,
        })
    }
}

type Reader = csv::Reader<Quotes<Box<dyn Read>>>;

/// A file that was read: a table that still lacks its features, and the features as they are written.
struct File {
    table: Table,
    numbers: Numbers,
    /// The line of each row.
    lines: Vec<u64>,
    /// The column of each feature.
    names: Vec<String>,
}

impl File {
    /// The table with its features in float32, standardized over some rows where these are given.
    ///
    /// # Errors
    /// A number beyond float32's.
    fn into_table(mut self, standardized_over: Option<&Vec<usize>>) -> Result<Table> {
        if let Some(rows) = standardized_over {
            self.numbers.standardize(rows);
        }
        let width = self.numbers.width.max(1);
        self.table.features.reserve_exact(self.numbers.values.len());
        for (index, value) in self.numbers.values.iter().enumerate() {
            let place = || self.place(index / width, index % width);
            let value = narrowed(*value).with_context(place)?;
            self.table.features.push(value);
        }
        Ok(self.table)
    }

    fn place(&self, row: usize, column: usize) -> String {
        place(self.lines[row], &self.names[column])
    }
}

/// A cell, for messages.
fn place(line: u64, column: &str) -> String {
    format!("line {line}, column `{}`", excerpt(column))
}

/// The error without its sources, which repeat it.
fn flat(error: csv::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::Utf8 { .. } => "\nhint: save the file as UTF-8",
        ErrorKind::UnequalLengths { .. } => {
            "\nhint: give each row a cell for each column, and quotes to a cell that has a delimiter in it"
        }
        _ => "",
    };
    anyhow!("{error}{hint}")
}

/// The columns that count.
struct Columns {
    targets: Vec<TargetColumn>,
    /// Index in a row, and name.
    features: Vec<(usize, String)>,
    /// The names of several inputs, and the number of features of each.
    inputs: Vec<(String, usize)>,
}

/// The column of a target.
struct TargetColumn {
    /// Index in a row.
    index: usize,
    column: String,
    /// The name of the target; empty for a single one.
    name: String,
    task: Task,
}

/// The indices of the columns of each name. A file may have a million columns.
type Places<'a> = HashMap<&'a str, Vec<usize>>;

fn places(header: &StringRecord) -> Places<'_> {
    let mut places = Places::new();
    for (index, column) in header.iter().enumerate() {
        places.entry(column).or_default().push(index);
    }
    places
}

/// The index of the column `name`.
fn find(places: &Places<'_>, header: &StringRecord, name: &str) -> Result<usize> {
    match places.get(name).map(Vec::as_slice) {
        Some([index]) => Ok(*index),
        Some(_) => bail!(
            "two columns are named `{}`\nhint: rename one",
            excerpt(name)
        ),
        None => {
            let all: Vec<String> = header.iter().take(MOST_NAMED).map(excerpt).collect();
            bail!(
                "no column `{}`\nhint: it has {}",
                excerpt(name),
                all.join(", ")
            )
        }
    }
}

/// The most columns that a message names.
const MOST_NAMED: usize = 100;

/// The cells of a file that count.
struct Rows {
    numbers: Numbers,
    /// The cells of each target.
    targets: Vec<TargetCells>,
    /// The line that each row begins in.
    lines: Vec<u64>,
}

impl Rows {
    fn read(reader: &mut Reader, columns: &Columns) -> Result<Self> {
        let targets = columns.targets.iter();
        let mut rows = Self {
            numbers: Numbers {
                values: Vec::new(),
                width: columns.features.len(),
            },
            targets: targets
                .map(|column| TargetCells::new(column.task))
                .collect(),
            lines: Vec::new(),
        };
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(flat)? {
            rows.push(&record, columns)?;
        }
        ensure!(!rows.lines.is_empty(), "no rows below the header");
        Ok(rows)
    }

    fn push(&mut self, record: &StringRecord, columns: &Columns) -> Result<()> {
        let line = record.position().map_or(0, csv::Position::line);
        for (index, name) in &columns.features {
            let number = number(record[*index].trim()).with_context(|| place(line, name))?;
            self.numbers.values.push(number);
        }
        for (target, cells) in columns.targets.iter().zip(&mut self.targets) {
            let cell = record[target.index].trim();
            ensure!(
                !MISSING.contains(&cell),
                "{}: the target is missing (`{cell}`)\n\
                 hint: remove the row or fill the cell; a class that has this name needs another",
                place(line, &target.column)
            );
            let pushed = cells.push(cell, line);
            pushed.with_context(|| place(line, &target.column))?;
        }
        self.lines.push(line);
        Ok(())
    }
}

/// Texts that stand for a value that is not there: those of pandas' `read_csv`.
const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];
