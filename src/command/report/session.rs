//! What `report.json` says of a session that was played again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A session that was played again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionReport {
    /// The file.
    pub file: String,
    /// The hash of the configuration that it was recorded with.
    pub config_hash: String,
    /// Whether the replay had the same.
    pub same_configuration: bool,
    /// The tick that was played first.
    pub first_tick: u64,
    /// Why the session ends before its end, where it is cut short or damaged; then what is whole of it was played.
    pub damage: Option<String>,
    /// What the verification found; `null` where none was asked for.
    pub verified: Option<VerifiedReport>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedReport {
    /// Ledger lines that were the recorded ones.
    pub equal_lines: u64,
    /// The first difference, in a sentence.
    pub difference: Option<String>,
}

impl SessionReport {
    pub(super) fn text(&self) -> String {
        let from = format!("session {} from tick {}", self.file, self.first_tick);
        match &self.verified {
            None if self.same_configuration => from,
            None => format!("{from}, with another configuration"),
            Some(VerifiedReport { equal_lines: 0, difference: None }) => {
                format!("{from}: NOT VERIFIED: no line of its ledger was reached")
            }
            Some(VerifiedReport { equal_lines, difference: None }) => {
                format!("{from}: verified, {equal_lines} ledger lines are the recorded ones")
            }
            Some(VerifiedReport { difference: Some(difference), .. }) => {
                format!("{from}: DIFFERS: {difference}")
            }
        }
    }

    /// Whether the session was not whole, or a verification found the replay to be another run or nothing to hold it against.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.damage.is_some()
            || self
                .verified
                .as_ref()
                .is_some_and(|found| found.difference.is_some() || found.equal_lines == 0)
    }
}
