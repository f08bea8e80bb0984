//! `napot ablate`: for every claim of what the model does, the same model without the part that is said to do it.
//!
//! A row is a figure of one variant: its mean and its spread over seeds. To add a claim: its variants in a file here and a line
//! in [`CLAIMS`]. What was found stands in `docs/ablations.md`.

mod binding;
mod curve;
mod few;
mod flash;
mod moving;
mod recall;
mod redness;
mod restoration;
mod scenes;
mod segmentation;
mod senses;
mod slow;
mod turned;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{Common, pictures, print_json, print_line};
use crate::error::{Error, Result};
use crate::time::monotonic;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct AblateArgs {
    /// Only the claims whose name contains this.
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Seeds that every variant runs with.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    /// Few trials, on small sheets where that helps, one seed: whether it runs, not what it finds.
    #[arg(long, conflicts_with = "seeds")]
    quick: bool,
    /// Print the table as Markdown, as `docs/ablations.md` holds it.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Draws what is still told against the time since, a line for each variant: of recall or of redness (`--only`).
    #[arg(long, value_name = "FILE.png")]
    curve: Option<PathBuf>,
}

/// A claim and what is run for it.
struct Claim {
    name: &'static str,
    says: &'static str,
    /// What plays no part in it, and so has no row.
    absent: &'static str,
    /// Pictures that the variants share, by seed and whether it is to be quick.
    pictures: fn(u64, bool) -> Vec<Vec<u8>>,
    /// One run of one variant.
    run: fn(&Run<'_>) -> Result<Vec<Figure>>,
    variants: &'static [&'static str],
    /// Variants that differ in how a run is read alone: the run of the first gives the figures of all.
    together: &'static [usize],
}

impl Claim {
    /// The variants whose runs give the figures of all.
    fn runs(&self) -> Vec<usize> {
        let read_off = |variant: &usize| self.together.iter().skip(1).any(|other| other == variant);
        (0..self.variants.len()).filter(|variant| !read_off(variant)).collect()
    }
}

/// What a run is given.
struct Run<'a> {
    /// The number of the variant.
    variant: usize,
    seed: u64,
    /// Whether it is on fewer trials.
    quick: bool,
    /// What the claim draws for this seed.
    pictures: &'a [Vec<u8>],
}

/// All claims in the order of the table.
const CLAIMS: [Claim; 12] = [
    Claim {
        name: "recall",
        says: "A picture that was flashed for 100 ms is read back from the field alone",
        absent: "",
        pictures: recall::pictures,
        run: recall::run,
        variants: &recall::VARIANTS,
        together: &[],
    },
    Claim {
        name: "slow memory",
        says: "Bursts of what repeats fade, those of what deviates come back",
        absent: "The memory of pictures plays no part in it.",
        pictures: |_, _| Vec::new(),
        run: slow::run,
        variants: &slow::VARIANTS,
        together: &[],
    },
    Claim {
        name: "restoration",
        says: "Pictures under noise, or shrunk, are restored by memory and networks",
        absent: "The array plays no part in it, nor its oscillation, nor its cascade.",
        pictures: |_, _| Vec::new(),
        run: restoration::run,
        variants: &restoration::VARIANTS,
        together: &[],
    },
    Claim {
        name: "binding",
        says: "Sixteen arrays of four views: those that see one world become one whole, those of two worlds two",
        absent: "Each array's phase is that of a small sheet of its own, whose oscillators all have one frequency: in the frame that turns with it nothing oscillates.",
        pictures: |_, _| Vec::new(),
        run: binding::wholes,
        variants: &binding::WHOLES,
        together: &[],
    },
    Claim {
        name: "few views",
        says: "A scene of which there are few views is nearer by arrays that are coupled, and nearer still by a renderer that knows how pictures look",
        absent: "All see one world, so who is bound with whom is the same with phases and without.",
        pictures: |_, _| Vec::new(),
        run: few::run,
        variants: &few::VARIANTS,
        together: &[],
    },
    Claim {
        name: "changing world",
        says: "Arrays that come to see another scene change their whole within a few ticks",
        absent: "Each array's phase is that of a small sheet of its own, whose oscillators all have one frequency.",
        pictures: |_, _| Vec::new(),
        run: binding::changes,
        variants: &binding::CHANGES,
        together: &[],
    },
    Claim {
        name: "synchronisation",
        says: "400 angles are found from their differences, most of which are wrong",
        absent: "The sheets of oscillators play no part in it.",
        pictures: |_, _| Vec::new(),
        run: binding::angles,
        variants: &binding::ANGLES,
        together: &[],
    },
    Claim {
        name: "turned arrays",
        says: "Arrays whose views are turned by 2 to 10 degrees are found from what their pairs tell",
        absent: "The sheets of oscillators play no part in it.",
        pictures: |_, _| Vec::new(),
        run: turned::run,
        variants: &turned::VARIANTS,
        together: &[],
    },
    Claim {
        name: "segmentation",
        says: "Things that hide each other are told apart by phases of oscillators on their pixels",
        absent: "The array plays no part in it.",
        pictures: |_, _| Vec::new(),
        run: segmentation::run,
        variants: &segmentation::VARIANTS,
        together: &[],
    },
    Claim {
        name: "moving objects",
        says: "Things that move and hide each other keep their labels",
        absent: "The array plays no part in it.",
        pictures: |_, _| Vec::new(),
        run: moving::run,
        variants: &moving::VARIANTS,
        together: &[],
    },
    Claim {
        name: "redness",
        says: "A colour that was shown once is recognised by its differential from the tonic baseline",
        absent: "The memory of pictures plays no part in it.",
        pictures: |_, _| Vec::new(),
        run: redness::run,
        variants: &redness::VARIANTS,
        together: &redness::TOGETHER,
    },
    Claim {
        name: "senses",
        says: "Two senses' slow bands tell whether a sound belongs to a picture, and by how much it is late",
        absent: "The memory of pictures plays no part in it.",
        pictures: senses::rooms,
        run: senses::run,
        variants: &senses::VARIANTS,
        together: &[],
    },
];

/// A figure of one run.
struct Figure {
    variant: usize,
    task: String,
    metric: &'static str,
    value: f64,
}

/// A figure over all seeds.
#[derive(Debug, Serialize)]
struct Row {
    claim: &'static str,
    task: String,
    variant: &'static str,
    metric: &'static str,
    mean: f64,
    /// Standard deviation over seeds; 0 for one seed.
    sd: f64,
    seeds: u32,
    /// Seconds that the runs with the variant's figures took, all seeds together.
    seconds: f64,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &AblateArgs) -> Result<ExitCode> {
    let config = common.load()?;
    let seeds = if args.quick { 1 } else { args.seeds };
    let chosen = chosen(args.only.as_deref().unwrap_or_default())?;
    let curve = curve::wanted(args.curve.as_deref(), &chosen)?;
    let shown = !common.quiet && std::io::stderr().is_terminal();
    let bar = if shown { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_length(chosen.iter().map(|claim| claim.runs().len() as u64 * u64::from(seeds)).sum());
    let mut all = Vec::new();
    for claim in chosen {
        let rows = rows(claim, config.seed, seeds, args.quick, &bar)?;
        if !common.json && !common.quiet {
            bar.suspend(|| print(claim, &rows, args.markdown))?;
        }
        all.extend(rows);
    }
    bar.finish_and_clear();
    if common.json {
        print_json(&all)?;
    }
    if let Some((curve, file)) = curve {
        curve.draw(file, &all)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(word: &str) -> Result<Vec<&'static Claim>> {
    let chosen: Vec<&Claim> =
        CLAIMS.iter().filter(|claim| claim.name.contains(&word.to_lowercase())).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = CLAIMS.iter().map(|claim| claim.name).collect();
        let error = Error::call("--only", "no claim has this in its name").value(word);
        return Err(error.bound(names.join(", ")));
    }
    Ok(chosen)
}

/// What one run found, and how long it took.
type Found = (Vec<Figure>, Duration);

/// Runs all variants of a claim with all seeds, as many at a time as there are cores.
fn rows(claim: &Claim, seed: u64, seeds: u32, quick: bool, bar: &ProgressBar) -> Result<Vec<Row>> {
    let seeds: Vec<u64> = (0..u64::from(seeds)).map(|number| seed.wrapping_add(number)).collect();
    let drawn = shared(seeds.len(), |at| (claim.pictures)(seeds[at], quick));
    let runs = claim.runs();
    let found: Vec<Result<Found>> = shared(runs.len() * seeds.len(), |job| {
        let (variant, at) = (runs[job / seeds.len()], job % seeds.len());
        let start = monotonic();
        let figures = (claim.run)(&Run { variant, seed: seeds[at], quick, pictures: &drawn[at] });
        bar.inc(1);
        figures.map(|figures| (figures, monotonic().saturating_sub(start)))
    });
    let found = found.into_iter().collect::<Result<Vec<Found>>>()?;
    Ok((0..claim.variants.len()).flat_map(|variant| summed(claim, variant, &found)).collect())
}

/// Does `jobs` jobs, as many at a time as there are cores; what each gave, in their order.
fn shared<T: Send>(jobs: usize, does: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return done;
            }
            done.push((job, does(job)));
        }
    };
    let threads = pictures::threads().min(jobs);
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, given)| given).collect()
}

/// Means and spreads of a variant's figures over the runs that have them.
fn summed(claim: &Claim, variant: usize, found: &[Found]) -> Vec<Row> {
    let mut runs: Vec<(Vec<&Figure>, Duration)> = Vec::new();
    for (figures, took) in found {
        let own: Vec<&Figure> = figures.iter().filter(|figure| figure.variant == variant).collect();
        if !own.is_empty() {
            runs.push((own, *took));
        }
    }
    let seconds = runs.iter().map(|(_, took)| took.as_secs_f64()).sum();
    let Some((first, _)) = runs.first() else { return Vec::new() };
    let row = |(at, figure): (usize, &&Figure)| {
        let values: Vec<f64> = runs.iter().map(|(figures, _)| figures[at].value).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let sd = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        let (task, metric, seeds) = (figure.task.clone(), figure.metric, runs.len() as u32);
        Row { claim: claim.name, task, variant: claim.variants[variant], metric, mean, sd, seeds, seconds }
    };
    first.iter().enumerate().map(row).collect()
}

/// Prints a claim's figures: a line for each of a variant's, its tasks beside each other.
fn print(claim: &Claim, rows: &[Row], markdown: bool) -> Result<()> {
    let mut tasks: Vec<&str> = Vec::new();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !tasks.contains(&&row.task[..]) {
            tasks.push(&row.task);
        }
        if !lines.contains(&(row.variant, row.metric)) {
            lines.push((row.variant, row.metric));
        }
    }
    let seeds = rows.first().map_or(0, |row| row.seeds);
    let cell = |line: (&str, &str), task: &str| {
        let row = rows.iter().find(|row| (row.variant, row.metric) == line && row.task == task);
        row.map_or_else(String::new, |row| spread(row.mean, row.sd))
    };
    if markdown {
        print_line(&format!("**{}.** {}\n", claim.says, claim.absent).replace(" \n", "\n"))?;
        print_line(&format!("| variant | figure (seeds: {seeds}, ± sd) | {} |", tasks.join(" | ")))?;
        print_line(&("|---".repeat(tasks.len() + 2) + "|"))?;
    } else {
        print_line(&format!("\n{} (seeds: {seeds}, ± sd). {}", claim.says, claim.absent))?;
        let heads: Vec<String> = tasks.iter().map(|task| format!("{task:>19}")).collect();
        print_line(&format!("  {:<66}{}", "", heads.concat()))?;
    }
    for line in lines {
        let cells: Vec<String> = tasks.iter().map(|task| cell(line, task)).collect();
        let (variant, metric) = line;
        print_line(&if markdown {
            format!("| {variant} | {metric} | {} |", cells.join(" | "))
        } else {
            let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>19}")).collect();
            format!("  {variant:<36}{metric:<30}{}", cells.concat())
        })?;
    }
    if markdown { print_line("") } else { Ok(()) }
}

/// A mean and its spread with as many digits as are worth reading.
fn spread(mean: f64, sd: f64) -> String {
    match mean.abs() {
        1_000.0.. => format!("{mean:.0} ± {sd:.0}"),
        10.0.. => format!("{mean:.2} ± {sd:.2}"),
        _ => format!("{mean:.3} ± {sd:.3}"),
    }
}
