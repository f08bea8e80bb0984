//! Which of the options that are parsed for all commands one takes: another that is given would do nothing, and is refused.

use super::{Command, Common};
use crate::error::{Error, Result};

/// A run's.
pub(super) const ALL: &[&str] = &["--config", "--set", "--seed", "--for", "--out"];
/// Of what has a configuration and an end of its own.
pub(super) const CONFIGURED: &[&str] = &["--config", "--set", "--seed"];
/// The same where a length can be given.
pub(super) const TIMED: &[&str] = &["--config", "--set", "--seed", "--for"];
pub(super) const NONE: &[&str] = &[];

impl Command {
    /// The options that it takes.
    fn takes(&self) -> &'static [&'static str] {
        match self {
            Self::Demo(_) | Self::Live(_) | Self::Replay(_) | Self::Listen(_) => ALL,
            Self::Teach(_) | Self::Certify => TIMED,
            Self::Validate(_) => CONFIGURED,
            Self::Config(args) => args.takes(),
            Self::Bind(_) | Self::Segment(_) => &["--seed", "--out"],
            Self::Ablate(_) | Self::Sync(_) => &["--seed"],
            Self::Export(_) | Self::Analyze(_) => &["--out"],
            Self::Session(_) | Self::Devices => NONE,
            Self::Memory(args) => args.takes(),
            Self::Learn(args) => args.takes(),
            Self::Render(args) => args.takes(),
            Self::Bench(args) => args.takes(),
        }
    }

    /// Refuses what was given and would do nothing.
    pub(super) fn check(&self, common: &Common) -> Result<()> {
        let takes = self.takes();
        let given = [
            ("--config", common.config.is_some()),
            ("--set", !common.overrides.is_empty()),
            ("--seed", common.seed.is_some()),
            ("--for", common.seconds.is_some()),
            ("--out", common.out.is_some()),
        ];
        let Some((flag, _)) = given.into_iter().find(|(flag, given)| *given && !takes.contains(flag)) else {
            return Ok(());
        };
        let error = Error::call(flag, "it has no effect on this command");
        Err(if takes.is_empty() { error } else { error.bound(takes.join(", ")) })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;

    fn told(call: &str) -> Option<String> {
        let cli = Cli::try_parse_from(call.split(' ')).unwrap();
        cli.command.check(&cli.common).err().map(|error| error.to_string())
    }

    #[test]
    fn what_would_do_nothing_is_refused_and_what_does_something_is_not() {
        for (call, flag) in [
            ("napot session info a.mcap --for 3", "--for"),
            ("napot devices --out here", "--out"),
            ("napot sync a.wav b.wav --out x.json", "--out"),
            ("napot memory info a.safetensors --seed 1", "--seed"),
            ("napot memory show a.safetensors --set seed=1", "--set"),
            ("napot render denoise a.png --config c.toml --out b.png", "--config"),
            ("napot learn a.png --for 3 --out m.safetensors", "--for"),
            ("napot bench throughput --for 3", "--for"),
            ("napot ablate --out a", "--out"),
            ("napot ablate --set array.bands=4", "--set"),
            ("napot ablate --config c.toml --seed 1", "--config"),
        ] {
            let told = told(call).unwrap();
            assert!(told.contains(flag) && told.contains("no effect"), "{call}: {told}");
        }
        for call in [
            "napot demo --config c.toml --set seed=1 --seed 2 --for 3 --out here",
            "napot bench pipeline --for 3",
            "napot bench latency --for 3 --seed 1",
            "napot render dream --size 64 --seed 7 --set array.bands=4 --out b.png",
            "napot render recall a.mcap --for 3 --out film",
            "napot learn senses --room 3 --for 40 --seed 20 --out mine.json",
            "napot memory learn a.png --memory m.safetensors --seed 1",
            "napot memory merge a b --out c",
            "napot ablate --quick --seed 3",
        ] {
            assert_eq!(told(call), None, "{call}");
        }
    }
}
