//! `napot ablate --curve`: what a claim's variants still tell, against the time that has passed since.

use std::path::Path;

use super::super::written;
use super::{Claim, Row};
use crate::error::{Error, Result};
use crate::sink::curves;

/// A figure of a claim that changes with time.
pub(super) struct Curve {
    claim: &'static str,
    title: &'static str,
    /// What lies across and what up.
    axes: [&'static str; 2],
    /// Where a row lies across, in ms; `None` of rows that are no part of it.
    at: fn(&Row) -> Option<f64>,
}

/// All curves.
const CURVES: [Curve; 2] = [
    Curve {
        claim: "recall",
        title: "What is recalled of a flashed picture from the field alone",
        axes: ["ms after the picture", "correlation with the picture, by the memory"],
        at: |row| if row.metric == "r, with the memory" { milliseconds(&row.task) } else { None },
    },
    Curve {
        claim: "redness",
        title: "Hues recognised by what one moment alone leaves, noise 8/255",
        axes: ["ms after the onset", "share of hues told right"],
        at: |row| {
            let moment = row.metric.strip_prefix("hue right, at ")?;
            if row.task == "noise 8/255" { milliseconds(moment) } else { None }
        },
    },
];

/// The curve of the one claim that is run, and the file that it is drawn into; `None` where there is no file.
///
/// # Errors
/// Where several claims are run or one that has no curve, or no PNG file can be there.
pub(super) fn wanted<'a>(
    file: Option<&'a Path>,
    chosen: &[&Claim],
) -> Result<Option<(&'static Curve, &'a Path)>> {
    let Some(file) = file else { return Ok(None) };
    written::in_a_folder("--curve", file)?;
    written::of_kind("--curve", file, &["png"], "x.png")?;
    let curve = match chosen {
        [claim] => CURVES.iter().find(|curve| curve.claim == claim.name),
        _ => None,
    };
    let Some(curve) = curve else {
        let names: Vec<&str> = chosen.iter().map(|claim| claim.name).collect();
        let error = Error::call("--curve", "only one claim that has a curve can be drawn");
        let bound = CURVES.iter().map(|curve| format!("--only {}", curve.claim)).collect::<Vec<_>>();
        return Err(error.value(names.join(", ")).bound(bound.join(", ")));
    };
    Ok(Some((curve, file)))
}

impl Curve {
    /// Draws the means of a claim's rows, a line for each variant.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn draw(&self, file: &Path, rows: &[Row]) -> Result<()> {
        let point = |row: &Row| (self.at)(row).map(|ms| (ms, row.mean));
        let variants = rows.chunk_by(|a, b| a.variant == b.variant);
        let named: Vec<curves::Curve> =
            variants.map(|rows| (rows[0].variant, rows.iter().filter_map(point).collect())).collect();
        curves::write(file, self.title, self.axes, &named)
    }
}

/// The milliseconds that a text begins with, or their middle: of `50 ms after`, of `34-55 ms alone`.
fn milliseconds(text: &str) -> Option<f64> {
    let (lag, _) = text.split_once(" ms ")?;
    let ends: Vec<f64> = lag.split('-').map(str::parse::<f64>).collect::<std::result::Result<_, _>>().ok()?;
    Some(ends.iter().sum::<f64>() / ends.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::chosen;
    use super::*;

    fn row(task: &str, metric: &'static str) -> Row {
        let task = task.to_owned();
        Row { claim: "", task, variant: "as it is", metric, mean: 0.5, sd: 0.0, seeds: 1, seconds: 0.0 }
    }

    #[test]
    fn a_row_lies_where_its_task_or_the_middle_of_its_moment_says() {
        let [recall, redness] = &CURVES;
        for (curve, task, metric, at) in [
            (recall, "50 ms after", "r, with the memory", Some(50.0)),
            (recall, "400 ms after", "r, with the memory", Some(400.0)),
            (recall, "50 ms after", "r, with the memory, twin", None),
            (redness, "noise 8/255", "hue right, at 1 ms alone", Some(1.0)),
            (redness, "noise 8/255", "hue right, at 34-55 ms alone", Some(44.5)),
            (redness, "noise 32/255", "hue right, at 34-55 ms alone", None),
            (redness, "noise 8/255", "ms until decided, mean", None),
        ] {
            assert_eq!((curve.at)(&row(task, metric)), at, "{task}, {metric}");
        }
        for text in ["", "after", "x ms after", "1- ms after"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_curve_is_of_one_claim_that_has_one_and_a_picture_in_a_folder() {
        let told = |file: &str, only: &str| {
            let chosen = chosen(only).unwrap();
            wanted(Some(Path::new(file)), &chosen).err().map(|error| error.to_string())
        };
        assert_eq!(told("a.png", "recall"), None);
        assert_eq!(told("a.PNG", "redness"), None);
        for (file, only, names) in [
            ("a.png", "", "--only recall, --only redness"),
            ("a.png", "slow", "slow memory"),
            ("a.jpg", "recall", "x.png"),
            ("no-such-folder/a.png", "recall", "no-such-folder"),
        ] {
            let told = told(file, only).unwrap();
            assert!(told.contains("--curve") && told.contains(names), "{file}, {only}: {told}");
        }
        assert!(wanted(None, &chosen("").unwrap()).unwrap().is_none());
    }

    #[test]
    fn a_line_is_drawn_for_each_variant() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recall.png");
        let lags = ["50 ms after", "100 ms after"].map(|task| row(task, "r, with the memory"));
        CURVES[0].draw(&file, &lags).unwrap();
        assert!(image::open(&file).unwrap().width() > 1_000);
    }
}
