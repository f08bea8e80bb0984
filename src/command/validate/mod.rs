//! `napot validate`: the array's physics against closed forms, as a table with intervals.
//!
//! A row is a figure, what theory says, and the interval in which it must lie: four standard errors and the
//! approximation that is stated beside it. To add one: its measurement in the file of its family, or a new file here
//! and a line in [`FAMILIES`].

mod chaos;
mod flash;
mod lab;
mod modes;
mod oscillator;
mod phase;
mod rates;
mod readiness;
mod row;
mod spectrum;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::lab::Task;
use self::row::{Row, short};
use super::{Common, print_json, print_line};
use crate::array::ArrayParameters;
use crate::error::{Error, Result};

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct ValidateArgs {
    /// Take seconds instead of minutes: fewer rows, shorter runs, wider intervals.
    #[arg(long)]
    quick: bool,
    /// Take only the parts of the table whose title contains this.
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Print the table as Markdown, as `docs/science.md` holds it.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// Rows that belong together.
struct Family {
    title: &'static str,
    run: fn(Task) -> Result<Vec<Row>>,
    /// Whether a quick validation has it.
    quick: bool,
}

/// The families in the order of the table.
const FAMILIES: [Family; 10] = [
    Family { title: "A single oscillator", run: oscillator::run, quick: true },
    Family { title: "Modes and neighbours", run: modes::run, quick: true },
    Family { title: "Multirate against single rate", run: rates::run, quick: false },
    Family { title: "The order of the step", run: rates::order, quick: true },
    Family { title: "The tonic spectrum", run: spectrum::run, quick: false },
    Family { title: "The energy book", run: flash::energy, quick: true },
    Family { title: "A flash runs down the bands", run: flash::run, quick: true },
    Family { title: "Where forgetting ends", run: chaos::run, quick: true },
    Family { title: "Phases", run: phase::run, quick: true },
    Family { title: "The ground's readiness", run: readiness::run, quick: false },
];

/// Runs the command.
pub(super) fn run(common: &Common, args: &ValidateArgs) -> Result<ExitCode> {
    let config = common.load()?;
    let steps_per_cycle = config.array.steps_per_cycle;
    if config.array != (ArrayParameters { steps_per_cycle, ..ArrayParameters::default() }) {
        let error = Error::call("array", "the table is about the default array");
        return Err(error.help(
            "Of the keys under `array` only `steps_per_cycle` may be set; `--seed` changes the noise.",
        ));
    }
    let task = Task { seed: config.seed, quick: args.quick, steps_per_cycle };
    let bar = progress(common);
    let mut failed = 0;
    let mut all = Vec::new();
    let chosen = chosen(args)?;
    bar.set_length(chosen.len() as u64);
    for family in chosen {
        bar.set_message(family.title);
        bar.tick();
        let rows = (family.run)(task)?;
        bar.inc(1);
        failed += rows.iter().filter(|row| !row.pass).count();
        if common.json {
            all.extend(rows);
        } else if !common.quiet {
            bar.suspend(|| print_family(family, &rows, args.markdown))?;
        }
    }
    bar.finish_and_clear();
    if common.json {
        print_json(&all)?;
    }
    if failed > 0 {
        eprintln!("napot: {failed} rows lie outside their intervals");
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn chosen(args: &ValidateArgs) -> Result<Vec<&'static Family>> {
    let word = args.only.as_deref().unwrap_or_default().to_lowercase();
    let there: Vec<&Family> = FAMILIES.iter().filter(|family| family.quick || !args.quick).collect();
    let wanted = |family: &&Family| family.title.to_lowercase().contains(&word);
    let chosen: Vec<&Family> = there.iter().copied().filter(wanted).collect();
    if chosen.is_empty() {
        let titles: Vec<&str> = there.iter().map(|family| family.title).collect();
        let error = Error::call("--only", "no part of the table has this in its title").value(word);
        let error = error.bound(titles.join(", "));
        return Err(if args.quick { error.help("Without --quick there are more.") } else { error });
    }
    Ok(chosen)
}

fn progress(common: &Common) -> ProgressBar {
    if common.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print_family(family: &Family, rows: &[Row], markdown: bool) -> Result<()> {
    if markdown {
        print_line(&format!("\n### {}\n", family.title))?;
        print_line("| what | measured | expected | interval | | source |\n|---|---|---|---|---|---|")?;
    } else {
        print_line(&format!("\n{}", family.title))?;
    }
    for row in rows {
        let [low, high] = row.interval;
        let verdict = if row.pass { "pass" } else { "FAIL" };
        let (measured, expected) = (short(row.measured), short(row.expected));
        let interval = format!("{} to {}", short(low), short(high));
        print_line(&if markdown {
            format!("| {} | {measured} | {expected} | {interval} | {verdict} | {} |", row.name, row.source)
        } else {
            format!("  {verdict}  {:<78} {measured:>9}  ({expected}; {interval})", row.name)
        })?;
    }
    Ok(())
}
