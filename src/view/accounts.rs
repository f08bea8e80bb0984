//! What the page's server counts: whom it served, and what it refused, by kind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::outbox::Counts;

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// One connection too many: closed at once.
    Connections,
    /// A request that did not arrive in time, or a connection that stayed too long: closed.
    Late,
    /// What is no HTTP, or too much of it: 400 or 431.
    Garbage,
    /// Another host's name: 403.
    Host,
    /// Another site's page: 403.
    Origin,
    /// No token where one is demanded: 401.
    NoToken,
    /// Another token: 403.
    WrongToken,
    /// A token from an address that has tried too many: 429.
    Tries,
    /// A file that is not part of the page: 404.
    Path,
    /// Another method than GET: 405.
    Method,
    /// A request to the WebSocket that is none: 426.
    Upgrade,
    /// One viewer too many: 503.
    Viewers,
    /// A page that is not of this program: closed with 4001.
    OldPage,
    /// A frame that breaks RFC 6455: closed with 1002 or 1007.
    BrokenFrame,
    /// A message beyond its bound: closed with 1009.
    TooLong,
    /// A message that is not known, or a value out of its bounds: closed with 1008 or 1003.
    Unknown,
    /// A device that the run does not want: closed with 1008.
    NotWanted,
    /// Too many messages: closed with 1008.
    Flood,
    /// A viewer that took or drew nothing: closed with 1013.
    Paused,
}

impl Refusal {
    const ALL: [Self; 19] = [
        Self::Connections,
        Self::Late,
        Self::Garbage,
        Self::Host,
        Self::Origin,
        Self::NoToken,
        Self::WrongToken,
        Self::Tries,
        Self::Path,
        Self::Method,
        Self::Upgrade,
        Self::Viewers,
        Self::OldPage,
        Self::BrokenFrame,
        Self::TooLong,
        Self::Unknown,
        Self::NotWanted,
        Self::Flood,
        Self::Paused,
    ];

    /// Its name in the figures.
    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Late => "late",
            Self::Garbage => "garbage",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::NoToken => "no_token",
            Self::WrongToken => "wrong_token",
            Self::Tries => "tries",
            Self::Path => "path",
            Self::Method => "method",
            Self::Upgrade => "upgrade",
            Self::Viewers => "viewers",
            Self::OldPage => "old_page",
            Self::BrokenFrame => "broken_frame",
            Self::TooLong => "too_long",
            Self::Unknown => "unknown",
            Self::NotWanted => "not_wanted",
            Self::Flood => "flood",
            Self::Paused => "paused",
        }
    }

    /// Whether an honest browser does it too: connections opened ahead of need, files that its tools look for, an
    /// address without its token, a page that asks why its socket did not open, a lid that was shut.
    fn is_everyday(self) -> bool {
        use Refusal::{Late, NoToken, OldPage, Path, Paused, Upgrade};
        matches!(self, Late | NoToken | OldPage | Path | Paused | Upgrade)
    }
}

/// What a page's server did.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct ViewFigures {
    /// Pages and programs that have watched, together or one after another.
    pub viewers: u64,
    /// Field frames from each viewer's coming to its leaving, summed over viewers that have left.
    pub produced: u64,
    /// How many of them were sent.
    pub delivered: u64,
    /// How many were passed over, waited when the viewer left, or broke off on the way.
    pub dropped: u64,
    /// What was refused, by kind; a kind of which there was none is left out.
    pub refused: BTreeMap<String, u64>,
}

/// The counts of one server, from all its tasks.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    refused: [AtomicU64; Refusal::ALL.len()],
    viewers: AtomicU64,
    frames: Mutex<[u64; 3]>,
}

impl Accounts {
    /// Counts a refusal.
    pub(super) fn refuse(&self, why: Refusal) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A viewer came.
    pub(super) fn viewer_came(&self) {
        self.viewers.fetch_add(1, Ordering::Relaxed);
    }

    /// A viewer left with these counts.
    pub(super) fn viewer_left(&self, counts: &Counts) {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        for (sum, count) in frames.iter_mut().zip([counts.produced, counts.delivered, counts.dropped]) {
            *sum += count;
        }
    }

    /// All kinds of which something was refused.
    pub(super) fn refused(&self) -> BTreeMap<String, u64> {
        let counts = Refusal::ALL
            .map(|why| (why.name().to_owned(), self.refused[why as usize].load(Ordering::Relaxed)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// The counts now.
    pub(super) fn figures(&self) -> ViewFigures {
        let [produced, delivered, dropped] = *self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let viewers = self.viewers.load(Ordering::Relaxed);
        ViewFigures { viewers, produced, delivered, dropped, refused: self.refused() }
    }
}

/// Tells what was refused since it told last.
#[derive(Debug, Default)]
pub(super) struct Teller {
    told: [u64; Refusal::ALL.len()],
}

impl Teller {
    /// A line about what is new; `None` where there is nothing, or nothing that an honest browser does not do.
    pub(super) fn line(&mut self, accounts: &Accounts) -> Option<String> {
        let mut parts = Vec::new();
        let mut worth_it = false;
        for (why, told) in Refusal::ALL.into_iter().zip(&mut self.told) {
            let count = accounts.refused[why as usize].load(Ordering::Relaxed);
            if count > *told {
                parts.push(format!("{} {}", count - *told, why.name()));
                worth_it |= !why.is_everyday();
                *told = count;
            }
        }
        worth_it.then(|| format!("the page's server refused: {}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_count_and_name() {
        let accounts = Accounts::default();
        for (times, why) in (1..).zip(Refusal::ALL) {
            (0..times).for_each(|_| accounts.refuse(why));
        }
        let refused = accounts.refused();
        for (times, why) in (1..).zip(Refusal::ALL) {
            assert_eq!(refused[why.name()], times, "{why:?}");
        }
        assert_eq!(refused.len(), Refusal::ALL.len());
        assert!(Accounts::default().refused().is_empty());
    }

    #[test]
    fn only_what_is_new_and_no_everyday_matter_is_told() {
        let (accounts, mut teller) = (Accounts::default(), Teller::default());
        assert_eq!(teller.line(&accounts), None);
        accounts.refuse(Refusal::Path);
        assert_eq!(teller.line(&accounts), None);
        accounts.refuse(Refusal::Host);
        accounts.refuse(Refusal::Host);
        assert_eq!(teller.line(&accounts).as_deref(), Some("the page's server refused: 2 host"));
        assert_eq!(teller.line(&accounts), None);
        accounts.refuse(Refusal::WrongToken);
        accounts.refuse(Refusal::Late);
        assert_eq!(
            teller.line(&accounts).as_deref(),
            Some("the page's server refused: 1 late, 1 wrong_token")
        );
    }

    #[test]
    fn frames_add_up_over_viewers() {
        let accounts = Accounts::default();
        for (produced, delivered) in [(10, 7), (5, 5)] {
            let dropped = produced - delivered;
            accounts.viewer_came();
            accounts.viewer_left(&Counts { produced, delivered, dropped, ..Counts::default() });
        }
        let figures = accounts.figures();
        assert_eq!((figures.viewers, figures.produced, figures.delivered, figures.dropped), (2, 15, 12, 3));
    }
}
