//! Reads a table of numbers (CSV), or a recording of the `OpenBCI` GUI, row by row.
//!
//! The latter is a table behind lines that begin with `%`, of which one tells the rate; its `EXG Channel` columns are the channels.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::MAX_CHANNELS;
use super::decimal;
use crate::error::{Error, Kind, Result};
use crate::signal::{ScalarLayout, ScalarSample, Stamp};
use crate::stream::Faults;
use crate::time::Timestamp;
use crate::units::Hertz;

/// The longest row, in bytes: a file without line ends must not fill the memory.
const MAX_ROW_BYTES: usize = 1 << 20;
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

/// What lines before a table say of it.
struct Said {
    /// What such lines begin with.
    comment: u8,
    rate: Option<Hertz>,
}

impl Said {
    fn of(head: &[u8]) -> Self {
        if !head.starts_with(b"%") {
            return Self { comment: b'#', rate: None };
        }
        let mut lines = head.split(|&b| b == b'\n').take_while(|line| line.starts_with(b"%"));
        let rate = lines.find_map(|line| {
            let words = std::str::from_utf8(line).ok()?.strip_prefix("%Sample Rate =")?;
            words.trim().trim_end_matches("Hz").trim().parse().ok().filter(|rate| RATES.contains(rate))
        });
        Self { comment: b'%', rate: rate.map(Hertz) }
    }
}

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
    rows: csv::Reader<Bounded>,
    /// The first row, read at the opening.
    first: Option<StringRecord>,
    cells: usize,
    /// Columns that hold channels.
    columns: Vec<usize>,
    names: Vec<String>,
    clock: Clock,
    decimal_comma: bool,
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
        let mut input = BufReader::new(super::file(path)?);
        let head = input.fill_buf().unwrap_or_default();
        let (delimiter, said) = (delimiter(head), Said::of(head));
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // A stray quotation mark would else swallow the rest of the file into one cell.
            .quoting(false)
            .delimiter(delimiter)
            .comment(Some(said.comment))
            .trim(csv::Trim::All)
            .from_reader(Bounded { input, row: 0 });
        let decimal_comma = delimiter != b',';
        let number = |cell: &str| cell.is_empty() || number(cell, decimal_comma).is_some();

        let top = next_row(path, &mut rows)?.ok_or_else(|| Error::input(path, "the table holds no rows"))?;
        let header = !top.iter().all(number);
        let first = if header { next_row(path, &mut rows)? } else { Some(top.clone()) };
        let Some(first) = first else {
            return Err(Error::input(path, "the table holds a header and no rows").at("line 2"));
        };
        let mut table = Self {
            path: path.to_owned(),
            rows,
            cells: top.len(),
            columns: Vec::new(),
            names: Vec::new(),
            clock: Clock::Rate(RATE_SECONDS),
            decimal_comma,
            count: 0,
            last_time: 0,
            last: Vec::new(),
            first: None,
        };
        let names = if header { Some(&top) } else { None };
        table.choose_columns(names, &first, options.rate.or(said.rate))?;
        table.first = Some(first);
        Ok(table)
    }

    /// Finds the time column and the channels, and checks that rows can be stamped.
    fn choose_columns(
        &mut self,
        names: Option<&StringRecord>,
        first: &StringRecord,
        rate: Option<Hertz>,
    ) -> Result<()> {
        let time =
            names.and_then(|names| (0..names.len()).find_map(|c| time_unit(&names[c]).map(|read| (c, read))));
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
        self.check_cells(first, 1)?;
        let is_time = |column: usize| time.is_some_and(|(c, _)| c == column);
        let is_number = |cell: &str| cell.is_empty() || number(cell, self.decimal_comma).is_some();
        self.columns = (0..self.cells).filter(|&c| !is_time(c) && is_number(&first[c])).collect();
        let is_electrode = |&c: &usize| names.is_some_and(|names| names[c].starts_with(ELECTRODE));
        if self.columns.iter().any(is_electrode) {
            self.columns.retain(is_electrode);
        }
        if self.columns.is_empty() || self.columns.len() > MAX_CHANNELS {
            let error = Error::input(&self.path, "the number of channels is out of range").at("line 1");
            return Err(error.value(self.columns.len()).bound(format!("1 to {MAX_CHANNELS}")));
        }
        let name = |&c: &usize| match names.map(|names| names[c].to_owned()).filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => format!("column {}", c + 1),
        };
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
            None => match next_row(&self.path, &mut self.rows)? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let line = row.position().map_or(0, csv::Position::line);
        self.check_cells(&row, line)?;
        let time = self.time(&row, line)?;
        for (value, &column) in self.last.iter_mut().zip(&self.columns) {
            let cell = &row[column];
            match number(cell, self.decimal_comma).map(|v| v as f32) {
                Some(v) if v.is_finite() => *value = v,
                None if !cell.is_empty() => faults.damaged += 1,
                _ => faults.not_finite += 1,
            }
        }
        self.count += 1;
        Ok(Some(ScalarSample { stamp: Stamp::recorded(time), values: self.last.clone() }))
    }

    fn check_cells(&self, row: &StringRecord, line: u64) -> Result<()> {
        if row.len() == self.cells {
            return Ok(());
        }
        let line = row.position().map_or(line, csv::Position::line);
        let error = Error::input(&self.path, "the row has another number of cells than the first")
            .at(format!("line {line}"));
        Err(error
            .value(row.len())
            .bound(self.cells)
            .help("If this is the last line, the file was probably cut short."))
    }

    fn time(&mut self, row: &StringRecord, line: u64) -> Result<Timestamp> {
        let (column, read, first) = match &mut self.clock {
            Clock::Rate(rows) => {
                let seconds = i128::from(self.count) * i128::from(RATE_SECONDS);
                return Ok(Timestamp::from_ratio(seconds, i128::from(*rows)));
            }
            Clock::Column { column, read, first } => (*column, *read, first),
        };
        let cell = &row[column];
        let place = format!("line {line}, column {}", column + 1);
        let plain = if self.decimal_comma { cell.replace(',', ".") } else { cell.to_owned() };
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

/// The next row that holds anything.
fn next_row(path: &Path, rows: &mut csv::Reader<Bounded>) -> Result<Option<StringRecord>> {
    let mut row = StringRecord::new();
    let place = format!("line {}", rows.position().line());
    match rows.read_record(&mut row) {
        Ok(true) => {
            let mut plain: StringRecord = row.iter().map(|cell| cell.trim_matches('"')).collect();
            plain.set_position(row.position().cloned());
            Ok(Some(plain))
        }
        Ok(false) => Ok(None),
        Err(cause) => Err(Error::input(path, "the row can't be read").at(place).value(cause)),
    }
}

/// The reader of a column that is named like a time: in seconds, or in milliseconds.
fn time_unit(name: &str) -> Option<fn(&str) -> Option<i64>> {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> =
        name.split([' ', '_', '(', ')', '[', ']', '/']).filter(|w| !w.is_empty()).collect();
    match words[..] {
        ["ms"] | ["time" | "t" | "timestamp", "ms" | "milliseconds"] => Some(decimal::nanoseconds_of_ms),
        ["time" | "t" | "seconds" | "timestamp" | "timestamps" | "s"]
        | ["time" | "t" | "timestamp", "s" | "sec" | "seconds"] => Some(decimal::nanoseconds),
        _ => None,
    }
}

/// A cell as a number, NaN and infinities included.
fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    if decimal_comma && cell.contains(',') {
        return cell.replacen(',', ".", 1).parse().ok();
    }
    cell.parse().ok()
}

/// Tabs before semicolons before commas: the latter may lie within cells of the former.
fn delimiter(head: &[u8]) -> u8 {
    let mut lines =
        head.split(|&b| b == b'\n').filter(|line| !line.starts_with(b"#") && !line.starts_with(b"%"));
    let line = lines.next().unwrap_or_default();
    [b'\t', b';'].into_iter().find(|d| line.contains(d)).unwrap_or(b',')
}

/// Passes bytes on, and fails where a row grows too long.
struct Bounded {
    input: BufReader<File>,
    /// Bytes since the last line end.
    row: usize,
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(out)?;
        match out[..count].iter().rposition(|&b| b == b'\n') {
            Some(end) => self.row = count - end - 1,
            None => self.row += count,
        }
        if self.row > MAX_ROW_BYTES {
            return Err(std::io::Error::other(format!("the row is longer than {MAX_ROW_BYTES} bytes")));
        }
        Ok(count)
    }
}
