//! Reads a table of numbers (CSV), or a recording of the `OpenBCI` GUI, row by row.
//!
//! The latter is a table behind lines that begin with `%`, of which one tells the rate; its `EXG Channel` columns are the channels.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::MAX_CHANNELS;
use super::dialect::{Dialect, LOOKED_AT, is_missing, time_unit, whole_lines};
use super::lines::{Line, Lines};
use crate::error::{Error, Kind, Result};
use crate::signal::{ScalarLayout, ScalarSample, Stamp};
use crate::stream::Faults;
use crate::time::Timestamp;
use crate::units::Hertz;

/// Rates that a table may be given.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1e6;

/// The seconds in which a rate is a whole number of rows: one row a minute has no finite decimal, and is so kept to
/// 3e-11 of itself. The highest rate in them is 1e18 rows, which `u64` holds.
const RATE_SECONDS: u64 = 1_000_000_000_000;

/// What a table doesn't say itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CsvOptions {
    /// Rows per second (0.001 to 1e6 Hz); it takes the place of a time column.
    pub rate: Option<Hertz>,
}

/// How the columns of electrodes are called in a recording of the `OpenBCI` GUI; others count packets, tell of the board or of time.
const ELECTRODE: &str = "EXG Channel ";

/// The most rows by which columns of text are told: a channel may begin with that many gaps.
const ROWS_LOOKED_AT: usize = 10_000;
/// The most names in a message.
const MOST_NAMED: usize = 8;

/// When a row was taken.
enum Clock {
    /// The column, its unit's reader, and the first row's time.
    Column { column: usize, read: fn(&str) -> Option<i64>, first: Option<i64> },
    /// Rows in [`RATE_SECONDS`].
    Rate(u64),
}

/// A table, opened at its first row.
pub struct Table {
    path: PathBuf,
    lines: Lines,
    dialect: Dialect,
    /// The first row, read at the opening.
    first: Option<Line>,
    cells: usize,
    /// Columns that hold channels.
    columns: Vec<usize>,
    names: Vec<String>,
    clock: Clock,
    count: u64,
    last_time: i64,
    last: Vec<f32>,
}

impl Table {
    /// Opens the table at `path` and reads its first row.
    pub fn open(path: &Path, options: &CsvOptions) -> Result<Self> {
        if let Some(rate) = options.rate.filter(|rate| !RATES.contains(&rate.0)) {
            let error = Error::new(Kind::Call, "the rate of a table", "it is out of range").value(rate);
            return Err(error.bound(format!("{} to {} Hz", RATES.start(), RATES.end())));
        }
        let failed = |cause: std::io::Error| Error::input(path, "the file can't be read").value(cause);
        let mut file = super::file(path)?;
        let mut head = Vec::new();
        (&file).take(LOOKED_AT as u64).read_to_end(&mut head).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let text = String::from_utf8_lossy(&head);
        let text = whole_lines(&text, head.len() < LOOKED_AT);
        let dialect = Dialect::of(text);

        let mut lines = Lines::of(file);
        let top = next_row(path, &mut lines, dialect)?
            .ok_or_else(|| Error::input(path, "the table holds no rows"))?;
        let cells = dialect.cells(&top.text);
        let (count, header) = (cells.len(), !cells.iter().all(|cell| dialect.is_value(cell)));
        let (names, first) = if header {
            let place = format!("line {}", top.number + 1);
            let first = next_row(path, &mut lines, dialect)?
                .ok_or_else(|| Error::input(path, "the table holds a header and no rows").at(place))?;
            (Some(top), first)
        } else {
            (None, top)
        };
        let mut table = Self {
            path: path.to_owned(),
            lines,
            dialect,
            cells: count,
            columns: Vec::new(),
            names: Vec::new(),
            clock: Clock::Rate(RATE_SECONDS),
            count: 0,
            last_time: 0,
            last: Vec::new(),
            first: None,
        };
        let names = names.as_ref().map(|line| dialect.cells(&line.text));
        let texts = text_columns(dialect, text, header, count);
        table.choose_columns(names.as_deref(), &texts, options.rate.or(said_rate(text)))?;
        table.check_cells(dialect.cells(&first.text).len(), first.number)?;
        table.first = Some(first);
        Ok(table)
    }

    /// Finds the time column and the channels among columns of which some hold text, and checks that rows can be stamped.
    fn choose_columns(&mut self, names: Option<&[&str]>, texts: &[bool], rate: Option<Hertz>) -> Result<()> {
        let time =
            names.and_then(|names| (0..names.len()).find_map(|c| time_unit(names[c]).map(|read| (c, read))));
        self.clock = match (rate, time) {
            (Some(rate), _) => Clock::Rate((rate.0 * RATE_SECONDS as f64).round() as u64),
            (None, Some((column, read))) => Clock::Column { column, read, first: None },
            (None, None) => {
                let error = Error::input(&self.path, "nothing says when the rows were taken").at("line 1");
                let bound = "a column named time, t, seconds, timestamp, s or ms";
                return Err(error
                    .bound(bound)
                    .help("Name the time column so, or give the rows per second: `--rate HZ`."));
            }
        };
        let others = (0..self.cells).filter(|&column| time.is_none_or(|(c, _)| column != c));
        let (left_out, columns): (Vec<usize>, Vec<usize>) = others.partition(|&column| texts[column]);
        self.columns = columns;
        let is_electrode = |&c: &usize| names.is_some_and(|names| names[c].starts_with(ELECTRODE));
        let electrodes = self.columns.iter().any(is_electrode);
        if electrodes {
            self.columns.retain(is_electrode);
        }
        let name = |&c: &usize| match names.map(|names| names[c]).filter(|name| !name.is_empty()) {
            // Within quotation marks two of them stand for one.
            Some(name) => name.replace("\"\"", "\""),
            None => format!("column {}", c + 1),
        };
        let left_out: Vec<String> = left_out.iter().map(name).collect();
        if self.columns.is_empty() || self.columns.len() > MAX_CHANNELS {
            let error = Error::input(&self.path, "the number of channels is out of range").at("line 1");
            let error = error.value(self.columns.len()).bound(format!("1 to {MAX_CHANNELS}"));
            let text =
                |error: Error| error.help(format!("Columns of text are left out: {}.", listed(&left_out)));
            return Err(if left_out.is_empty() { error } else { text(error) });
        }
        // All but electrodes are left out of what a board wrote, as is meant.
        if !electrodes && !left_out.is_empty() {
            tracing::warn!("{}: columns of text are left out: {}", self.path.display(), listed(&left_out));
        }
        self.names = self.columns.iter().map(name).collect();
        self.last = vec![0.0; self.columns.len()];
        Ok(())
    }

    /// The channels; a table names no units.
    pub fn layout(&self) -> ScalarLayout {
        ScalarLayout { names: self.names.clone(), units: vec![String::new(); self.names.len()] }
    }

    /// Rows per second, where they are evenly spaced by definition.
    pub fn rate_hz(&self) -> Option<f64> {
        match self.clock {
            Clock::Rate(rows) => Some(rows as f64 / RATE_SECONDS as f64),
            Clock::Column { .. } => None,
        }
    }

    /// The next row.
    pub fn next(&mut self, faults: &mut Faults) -> Result<Option<ScalarSample>> {
        let row = match self.first.take() {
            Some(row) => row,
            None => match next_row(&self.path, &mut self.lines, self.dialect)? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let cells = self.dialect.cells(&row.text);
        self.check_cells(cells.len(), row.number)?;
        let time = self.time(&cells, row.number)?;
        for (value, &column) in self.last.iter_mut().zip(&self.columns) {
            let cell = cells[column];
            match self.dialect.number(cell).map(|v| v as f32) {
                Some(v) if v.is_finite() => *value = v,
                None if !is_missing(cell) => faults.damaged += 1,
                _ => faults.not_finite += 1,
            }
        }
        self.count += 1;
        Ok(Some(ScalarSample { stamp: Stamp::recorded(time), values: self.last.clone() }))
    }

    fn check_cells(&self, cells: usize, line: u64) -> Result<()> {
        if cells == self.cells {
            return Ok(());
        }
        let error = Error::input(&self.path, "the row has another number of cells than the first")
            .at(format!("line {line}"));
        Err(error
            .value(cells)
            .bound(self.cells)
            .help("If this is the last line, the file was probably cut short."))
    }

    fn time(&mut self, cells: &[&str], line: u64) -> Result<Timestamp> {
        let (column, read, first) = match &mut self.clock {
            Clock::Rate(rows) => {
                let seconds = i128::from(self.count) * i128::from(RATE_SECONDS);
                return Ok(Timestamp::from_ratio(seconds, i128::from(*rows)));
            }
            Clock::Column { column, read, first } => (*column, *read, first),
        };
        let cell = cells[column];
        let place = format!("line {line}, column {}", column + 1);
        let plain = if self.dialect.has_decimal_commas() { cell.replace(',', ".") } else { cell.to_owned() };
        let Some(time) = read(&plain) else {
            let error = Error::input(&self.path, "the time is no number within range")
                .at(place)
                .value(format!("`{cell}`"));
            return Err(
                error.help("Write times as a number of seconds (or of milliseconds in a column named ms).")
            );
        };
        let since = time.saturating_sub(*first.get_or_insert(time));
        if since < self.last_time {
            let error =
                Error::input(&self.path, "the time runs backwards").at(place).value(format!("`{cell}`"));
            let last = Timestamp(self.last_time.saturating_add(first.unwrap_or(0)));
            return Err(error.bound(format!("{} s or later", last.seconds_for_print())));
        }
        self.last_time = since;
        Ok(Timestamp(since))
    }
}

/// The next line that holds cells.
fn next_row(path: &Path, lines: &mut Lines, dialect: Dialect) -> Result<Option<Line>> {
    loop {
        match lines.next(path)? {
            Some(line) if !dialect.holds(&line.text) => {}
            row => return Ok(row),
        }
    }
}

/// Which of so many columns hold text: those whose first cell that isn't missing is no number, as far as `text` goes. A
/// column of gaps alone is a channel that has not begun.
fn text_columns(dialect: Dialect, text: &str, header: bool, columns: usize) -> Vec<bool> {
    let mut texts: Vec<Option<bool>> = vec![None; columns];
    for row in dialect.rows(text).skip(usize::from(header)).take(ROWS_LOOKED_AT) {
        for (text, cell) in texts.iter_mut().zip(row) {
            if text.is_none() && !is_missing(cell) {
                *text = Some(dialect.number(cell).is_none());
            }
        }
    }
    texts.into_iter().map(|text| text == Some(true)).collect()
}

/// The rate that a line before a table tells.
fn said_rate(text: &str) -> Option<Hertz> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().take_while(|line| line.starts_with('%'));
    let rate = lines.find_map(|line| {
        let words = line.strip_prefix("%Sample Rate =")?;
        words.trim().trim_end_matches("Hz").trim().parse().ok().filter(|rate| RATES.contains(rate))
    });
    rate.map(Hertz)
}

/// The first of many names.
fn listed(names: &[String]) -> String {
    let told = names[..names.len().min(MOST_NAMED)].join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => told,
        further => format!("{told} and {further} more"),
    }
}
