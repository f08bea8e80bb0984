//! An oddball experiment on the slow memory: sounds and pictures, each as standard and as deviant, with learning and
//! without, judged by permutations. Prints a table; `--json` prints one document.
//!
//! `oddball [--trials N] [--set key=value]... [--interval-ms N] [--json]`

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // small counts

mod judge;

use judge::{Found, judge};
use napot::command::oddball::{Plan, play};
use napot::error::{Error, Result};

/// What the experiment is asked for.
struct Asked {
    plan: Plan,
    json: bool,
    quick: bool,
}

fn main() -> std::process::ExitCode {
    match asked().and_then(|asked| run(&asked)) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn asked() -> Result<Asked> {
    let mut asked = Asked { plan: Plan::default(), json: false, quick: false };
    let mut words = std::env::args().skip(1);
    let number = |key: &str, word: Option<String>| {
        let word = word.unwrap_or_default();
        word.parse::<usize>().map_err(|_| Error::call(key.to_owned(), "a whole number is needed").value(word))
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => asked.json = true,
            "--quick" => asked.quick = true,
            "--trials" => asked.plan.trials = number("--trials", words.next())?.max(16),
            "--interval-ms" => {
                asked.plan.interval_ms = number("--interval-ms", words.next())?.max(200) as u64;
            }
            "--set" => asked.plan.overrides.extend(words.next()),
            _ => return Err(Error::call("oddball", "an argument is not known").value(word)),
        }
    }
    Ok(asked)
}

/// The variants: the memory, and each of its parts left out.
const VARIANTS: [(&str, &[&str]); 4] = [
    ("learning", &["learning.enabled=true"]),
    ("no learning", &["learning.enabled=false"]),
    ("no oscillation", &["learning.enabled=true", "learning.oscillates=false"]),
    ("no gate", &["learning.enabled=true", "learning.coherence=0"]),
];

fn run(asked: &Asked) -> Result<()> {
    let mut all = Vec::new();
    let variants = if asked.quick { &VARIANTS[..2] } else { &VARIANTS[..] };
    for (name, settings) in variants {
        let runs = play(&asked.plan, settings)?;
        for sense in judge(&asked.plan, &runs) {
            if !asked.json {
                print(name, &sense);
            }
            all.push(serde_json::json!({ "variant": name, "found": sense }));
        }
    }
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&all).expect("figures are plain numbers"));
    }
    Ok(())
}

fn print(variant: &str, found: &Found) {
    println!("{variant}, {}:", found.sense);
    println!(
        "  bursts of a standard, first 10 / last 100: {:.1} / {:.1} (fall {:.0} %); raw {:.1}",
        found.first,
        found.last,
        100.0 * found.fall,
        found.raw
    );
    println!("  bursts of a deviant, last half: {:.1} (raw {:.1})", found.deviant, found.raw_deviant);
    println!(
        "  same stimulus, deviant less standard: {:+.2} uV of {:.2} at {} electrodes, largest |t| {:.1}, p = {:.4}",
        found.difference_uv, found.standard_uv, found.electrodes, found.t, found.p
    );
    println!(
        "  in power of the response (80 ms): deviant {:.1}, standard {:.1} uV², largest |t| {:.1}, p = {:.4}",
        found.power_deviant, found.power_standard, found.power_t, found.power_p
    );
}
