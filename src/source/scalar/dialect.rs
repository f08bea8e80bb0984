//! How the lines of a table split into cells and what a cell says: one answer for recognising a table and for reading it.
//!
//! No library for tables splits them: to those a stray quotation mark opens a cell that swallows all that follows, which one bad
//! cell of a recording must not.

use std::cmp::Reverse;

use super::decimal;
use super::lines::MAX_LINE_BYTES;

/// Bytes at a table's start by which its dialect is told: a header and a row lie in them, be they as long as allowed.
pub const LOOKED_AT: usize = 2 * MAX_LINE_BYTES;
/// What separates cells; of two that fit alike the latter is taken.
const DELIMITERS: [char; 3] = ['\t', ';', ','];
/// What is written for a value that is missing, in any case; so is nothing at all.
const MISSING: [&str; 7] = ["n/a", "na", "#n/a", "nan", "null", "none", "-"];

/// What separates the cells of a table, and what its comments begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    comment: char,
    delimiter: char,
}

impl Dialect {
    /// The dialect of the table that starts with `text`: in which header and first row have as many cells, the most of
    /// them values, then the fewest of them text (`0,5;1,5` is two numbers), then the most at all.
    pub fn of(text: &str) -> Self {
        let comment = if unmarked(text).starts_with('%') { '%' } else { '#' };
        let with = |delimiter| Self { comment, delimiter };
        let mut lines = with(',').lines(text);
        let top = lines.next().unwrap_or_default();
        let row = lines.next().unwrap_or(top);
        // Else every line would be one cell of a delimiter that is nowhere.
        let single = DELIMITERS.into_iter().all(|delimiter| with(delimiter).cells(top).len() == 1);
        let fit = |dialect: &Self| {
            let (names, cells) = (dialect.cells(top).len(), dialect.cells(row));
            let values = cells.iter().filter(|cell| dialect.is_value(cell)).count();
            let texts = if values == 0 { 0 } else { cells.len() - values };
            (cells.len() == names && (names > 1 || single), values, Reverse(texts), names)
        };
        DELIMITERS.map(with).into_iter().max_by_key(fit).unwrap_or(with(','))
    }

    /// The cells of each line of `text` that holds any.
    pub fn rows(self, text: &str) -> impl Iterator<Item = Vec<&str>> {
        self.lines(text).map(move |line| self.cells(line))
    }

    fn lines(self, text: &str) -> impl Iterator<Item = &str> {
        unmarked(text).split(['\n', '\r']).filter(move |line| self.holds(line))
    }

    /// Whether a line holds cells: comments and blank lines don't.
    pub fn holds(self, line: &str) -> bool {
        !line.starts_with(self.comment) && !line.trim_matches(' ').is_empty()
    }

    /// The cells of a line, without quotation marks and blanks around them. Delimiters between quotation marks are a
    /// cell's own.
    pub fn cells(self, line: &str) -> Vec<&str> {
        let mut cells = Vec::new();
        let mut rest = line;
        loop {
            let end = self.quoted(rest).or_else(|| rest.find(self.delimiter)).unwrap_or(rest.len());
            cells.push(plain(&rest[..end]));
            match rest.get(end + 1..) {
                Some(further) => rest = further,
                None => return cells,
            }
        }
    }

    /// Where the cell in quotation marks ends with which a line goes on. `None` where it has none or none that close
    /// right before a delimiter: a stray one must not swallow the rest of the line.
    fn quoted(self, rest: &str) -> Option<usize> {
        let inner = rest.trim_start_matches(' ').strip_prefix('"')?;
        let mut at = 0;
        loop {
            at += inner[at..].find('"')? + 1;
            let after = &inner[at..];
            // Two of them are one that belongs to the cell.
            if after.starts_with('"') {
                at += 1;
                continue;
            }
            let after = after.trim_start_matches(' ');
            return (after.is_empty() || after.starts_with(self.delimiter)).then(|| rest.len() - after.len());
        }
    }

    /// Whether commas may be decimal: where they don't separate.
    pub fn has_decimal_commas(self) -> bool {
        self.delimiter != ','
    }

    /// A cell as a number, NaN and infinities included.
    pub fn number(self, cell: &str) -> Option<f64> {
        if self.has_decimal_commas() && cell.contains(',') {
            return cell.replacen(',', ".", 1).parse().ok();
        }
        cell.parse().ok()
    }

    /// Whether a cell is a number or stands for one that is missing.
    pub fn is_value(self, cell: &str) -> bool {
        is_missing(cell) || self.number(cell).is_some()
    }
}

/// Whether a cell stands for a value that is missing.
pub fn is_missing(cell: &str) -> bool {
    cell.is_empty() || MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing))
}

/// The reader of a column that is named like a time: in seconds, or in milliseconds.
pub fn time_unit(name: &str) -> Option<fn(&str) -> Option<i64>> {
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

/// `text`, the start of a file, without the line that is cut by its end unless it is the `whole` file.
pub fn whole_lines(text: &str, whole: bool) -> &str {
    let end = if whole { None } else { text.rfind(['\n', '\r']) };
    end.map_or(text, |end| &text[..end])
}

/// Without the mark of the order of bytes, which says nothing of UTF-8.
fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A cell without the blanks and quotation marks around it, of which stray ones are left out, too.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    let bare = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    bare.unwrap_or_else(|| cell.trim_matches('"')).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_in_which_header_and_row_agree() {
        for (text, delimiter) in [
            ("time,a\n0,1\n", ','),
            ("t;a\n0,5;1,5\n", ';'),
            ("0,5;1,5\n1,0;2,5\n", ';'),
            ("time,Fz (uV; filtered),step\n0,1,2\n", ','),
            ("time,Fz (uV; filtered),step\n", ','),
            ("time,\"Fz; left\",\"Cz; right\"\n0,1,2\n", ','),
            ("a, b;c, d\n1,5;2,5\n", ';'),
            ("onset\tnote\n0\thello, you; there\n", '\t'),
            ("time,event,note,a\n0,start,red,1\n", ','),
            ("time,event\n2024-01-01,start\n", ','),
            ("# a;b;c;d\n\ntime,a\n0,1\n", ','),
            // Rows of another width than the header keep the header's.
            ("t,a\n1,0,5\n", ','),
            ("t,a\n1\n", ','),
            ("1\n2\n", ','),
            ("a\n1,5\n", ';'),
            ("", ','),
        ] {
            assert_eq!(Dialect::of(text).delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn quotation_marks_hold_a_cell_together_and_stray_ones_hold_nothing() {
        let comma = Dialect { comment: '#', delimiter: ',' };
        for (line, cells) in [
            ("", &[""][..]),
            ("a,", &["a", ""]),
            ("\"time\", \"Fz, left\" ,step", &["time", "Fz, left", "step"]),
            ("\"0\",\" 1.5 \",\"\"", &["0", "1.5", ""]),
            ("\"the \"\"left\"\", one\",b", &["the \"\"left\"\", one", "b"]),
            ("\"\"\"a\"\"\"", &["\"\"a\"\""]),
            ("5\",\"6,7", &["5", "6", "7"]),
            ("\"a\"b,c\",d", &["a\"b", "c", "d"]),
            ("\"", &[""]),
            ("\"\"\",1", &["\"", "1"]),
            ("é,\"ö,ü\"", &["é", "ö,ü"]),
        ] {
            assert_eq!(comma.cells(line), cells, "{line}");
        }
    }

    #[test]
    fn what_stands_for_a_missing_value_is_known_in_any_case() {
        for cell in ["", "n/a", "N/A", "NA", "nan", "NaN", "null", "NULL", "None", "-", "#N/A"] {
            assert!(is_missing(cell), "{cell}");
        }
        for cell in ["0", "-1", "a", "--", "inf", "nano"] {
            assert!(!is_missing(cell), "{cell}");
        }
    }
}
