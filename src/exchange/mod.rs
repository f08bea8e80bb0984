//! Live exchange with other programs: electrodes and onsets out, channels in, while the run goes on.
//!
//! ```text
//! keeper ─push─> outlet ═bounded═> thread ─> OSC, MIDI, LSL
//! OSC, MIDI, LSL ─> inlet (on the thread of its pump) ─bursts─> engine
//! ```
//!
//! | file | job |
//! |---|---|
//! | `address` | where to and where from: the addresses of the command line |
//! | `account` | what is counted: passed, dropped, late, ignored |
//! | `outlet` | a sink that never waits: what finds no room is dropped and counted |
//! | `inlet` | a source that always promises a little ahead, whether anything comes or not |
//! | `osc` | Open Sound Control over UDP |
//! | `midi` | MIDI ports, by the feature `midi` |
//! | `lsl` | the Lab Streaming Layer, by the feature `lsl`; `binding` loads the installed liblsl |
//!
//! An outlet gets what the electrode file gets: every sample in microvolts, and onsets as marks. An inlet drives the
//! scalar sense, so its channels have a small sheet of their own; what it brings is recorded as bursts like all input,
//! and a session of such a run replays to the bit.
//!
//! To add a way of exchange: an [`Address`], a file here that implements `Transmit` or `Receive`, its arms in
//! [`outlet()`] and [`inlet()`].

mod account;
mod address;
mod inlet;
#[cfg(feature = "lsl")]
mod lsl;
#[cfg(feature = "midi")]
mod midi;
mod osc;
mod outlet;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use account::{Account, Counts, ExchangeReport};
pub use address::{Address, MOST_CHANNELS};
pub use inlet::Inlet;
pub use outlet::Electrodes;

use crate::error::{Error, Result};
use crate::signal::{ElectrodeItem, Origin, ScalarLayout};
use crate::stream::{Sink, SourceInfo};
use crate::time::{Clock, Timestamp};

/// How values of other programs come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeParameters {
    /// Milliseconds from when a value happened to the tick that it enters, 1 to 1000. Half of it is for the way here.
    pub delay_ms: u32,
}

impl Default for ExchangeParameters {
    fn default() -> Self {
        Self { delay_ms: 20 }
    }
}

impl ExchangeParameters {
    /// Checks the values.
    ///
    /// # Errors
    /// Names the key, the value and the bound.
    pub fn check(&self) -> Result<()> {
        if !(1..=1_000).contains(&self.delay_ms) {
            let error = Error::configuration("exchange.delay_ms", "the value is out of bounds");
            return Err(error.value(self.delay_ms).bound("1 to 1000"));
        }
        Ok(())
    }
}

/// Opens an outlet on a thread of its own.
///
/// # Errors
/// Where the other end is not known or a device is missing.
pub fn outlet(
    address: &Address,
    electrodes: &Electrodes,
    account: &Arc<Account>,
) -> Result<Box<dyn Sink<Item = ElectrodeItem>>> {
    let outlet = match address {
        Address::Osc { host, port, .. } => {
            let sender = osc::OscSender::open(host, *port, electrodes, Arc::clone(account))?;
            outlet::Outlet::start(address, electrodes, account, sender)?
        }
        #[cfg(feature = "lsl")]
        Address::Lsl { stream } => {
            let sender = lsl::LslSender::open(stream, electrodes, Arc::clone(account))?;
            outlet::Outlet::start(address, electrodes, account, sender)?
        }
        #[cfg(feature = "midi")]
        Address::Midi { port } => {
            let sender = midi::MidiSender::open(port, electrodes, Arc::clone(account))?;
            outlet::Outlet::start(address, electrodes, account, sender)?
        }
        #[cfg(not(all(feature = "lsl", feature = "midi")))]
        _ => return Err(absent(address)),
    };
    Ok(Box::new(outlet))
}

/// Opens an inlet. It ends at `end` of model time, or never.
///
/// # Errors
/// Where the address can't be listened on, or there is no such stream or device.
pub fn inlet(
    address: &Address,
    parameters: &ExchangeParameters,
    clock: Arc<dyn Clock>,
    end: Option<Timestamp>,
    account: &Arc<Account>,
) -> Result<Inlet> {
    let delay = Duration::from_millis(u64::from(parameters.delay_ms));
    let wait = inlet::longest_wait(delay);
    let (receive, layout, format, origin): (Box<dyn inlet::Receive>, _, _, _) = match address {
        Address::Osc { host, port, channels } => {
            let receiver = osc::OscReceiver::open(host, *port, *channels, wait, Arc::clone(account))?;
            let names = (1..=*channels).map(|n| format!("in {n}")).collect();
            let layout = ScalarLayout { names, units: Vec::new() };
            (Box::new(receiver), layout, format!("OSC, {channels} channels"), Origin::Arrival)
        }
        #[cfg(feature = "lsl")]
        Address::Lsl { stream } => {
            let (receiver, layout, format) = lsl::LslReceiver::open(stream, wait)?;
            (Box::new(receiver), layout, format, Origin::Device)
        }
        #[cfg(feature = "midi")]
        Address::Midi { port } => {
            let receiver = midi::MidiReceiver::open(port, wait, Arc::clone(account))?;
            (Box::new(receiver), midi::layout(), "MIDI, 9 channels".to_owned(), Origin::Arrival)
        }
        #[cfg(not(all(feature = "lsl", feature = "midi")))]
        _ => return Err(absent(address)),
    };
    let info = SourceInfo { name: address.to_string(), kind: "scalar".to_owned(), origin, format };
    let parts = inlet::Parts { info, layout, receive, account: Arc::clone(account) };
    Ok(Inlet::new(parts, clock, delay, end))
}

/// An address of a kind that this build lacks; the command line has refused it before.
#[cfg(not(all(feature = "lsl", feature = "midi")))]
fn absent(address: &Address) -> Error {
    Error::call(address.to_string(), "this build has no such exchange")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_out_of_bounds_is_refused_with_the_bound() {
        for delay_ms in [0, 1_001] {
            let refused = ExchangeParameters { delay_ms }.check().unwrap_err().to_string();
            assert!(refused.contains("exchange.delay_ms") && refused.contains("1 to 1000"), "{refused}");
        }
        assert!(ExchangeParameters::default().check().is_ok());
    }
}
