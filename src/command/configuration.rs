//! `napot config check|print|schema`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Common, print_json, print_line, taken};
use crate::config::Config;
use crate::error::Result;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Say whether the configuration is valid.
    Check,
    /// Print the configuration with every key spelled out.
    Print,
    /// Print the JSON schema of the configuration.
    Schema,
}

impl ConfigArgs {
    /// The options that it takes: a schema is that of every configuration.
    pub(super) fn takes(&self) -> &'static [&'static str] {
        match self.action {
            Action::Check | Action::Print => taken::CONFIGURED,
            Action::Schema => taken::NONE,
        }
    }
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &ConfigArgs) -> Result<ExitCode> {
    match args.action {
        Action::Check => {
            let config = common.load()?;
            if common.json {
                print_json(&serde_json::json!({ "valid": true, "hash": config.hash() }))?;
            } else if !common.quiet {
                print_line("The configuration is valid.")?;
            }
        }
        Action::Print => {
            let config = common.load()?;
            if common.json { print_json(&config)? } else { print_line(config.to_toml()?.trim_end())? }
        }
        Action::Schema => print_json(&schemars::schema_for!(Config))?,
    }
    Ok(ExitCode::SUCCESS)
}
