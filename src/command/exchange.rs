//! What a run exchanges with other programs: the addresses of its call, opened, and their accounts.

use std::sync::Arc;

use super::run::Piece;
use crate::engine::Pace;
use crate::error::{Error, Result};
use crate::exchange::{Account, Address, Electrodes, ExchangeParameters, ExchangeReport, inlet, outlet};
use crate::signal::ElectrodeItem;
use crate::stream::Sink;
use crate::time::{Clock, Timestamp};

/// Real time.
const PACED: Pace = Pace::Real { thousandths: 1_000 };

/// The addresses of a call with their accounts.
pub(super) struct Exchange {
    send: Vec<(Address, Arc<Account>)>,
    receive: Option<(Address, Arc<Account>)>,
}

impl Exchange {
    /// Checks what needs no device.
    pub(super) fn new(send: &[Address], receive: &[Address], speed: Pace) -> Result<Self> {
        let account = |address: &Address| (address.clone(), Arc::default());
        if let [_, second, ..] = receive {
            let error = Error::call("--receive", "a run takes channels from one place").value(second);
            return Err(error.bound("once"));
        }
        let lsl = send.iter().find(|address| matches!(address, Address::Lsl { .. }));
        for (flag, address) in [("--send", lsl), ("--receive", receive.first())] {
            if let Some(address) = address.filter(|_| speed != PACED) {
                let error = Error::call(flag, "it needs a run in real time").value(address);
                return Err(error.bound("--speed 1"));
            }
        }
        Ok(Self { send: send.iter().map(account).collect(), receive: receive.first().map(account) })
    }

    /// Adds the inlet's channels to a piece that has none; they end at `end`, or never.
    pub(super) fn open_inlet(
        &self,
        parameters: &ExchangeParameters,
        clock: &Arc<dyn Clock>,
        end: Option<Timestamp>,
        piece: &mut Piece,
    ) -> Result<()> {
        let Some((address, account)) = &self.receive else { return Ok(()) };
        let refused = if piece.again.is_some() {
            Some("a session plays alone")
        } else if piece.layout.is_some() {
            Some("the files have channels already")
        } else {
            None
        };
        if let Some(problem) = refused {
            return Err(Error::call("--receive", problem).value(address).bound("one source of channels"));
        }
        let inlet = inlet(address, parameters, Arc::clone(clock), end, account)?;
        piece.layout = Some(inlet.layout().clone());
        piece.inputs.scalar = Some(Box::new(inlet));
        Ok(())
    }

    /// Opens every outlet.
    pub(super) fn open_outlets(
        &self,
        electrodes: &Electrodes,
    ) -> Result<Vec<Box<dyn Sink<Item = ElectrodeItem>>>> {
        self.send.iter().map(|(address, account)| outlet(address, electrodes, account)).collect()
    }

    /// What came of them, outlets first.
    pub(super) fn report(&self) -> Vec<ExchangeReport> {
        let report = |(address, account): &(Address, Arc<Account>), out: bool| {
            let counts = account.read();
            ExchangeReport {
                address: address.to_string(),
                direction: if out { "send" } else { "receive" }.to_owned(),
                sent: out.then_some(counts.passed),
                received: (!out).then_some(counts.passed),
                dropped: counts.dropped,
                late: (!out).then_some(counts.late),
                ignored: (!out).then_some(counts.ignored),
            }
        };
        let sent = self.send.iter().map(|one| report(one, true));
        sent.chain(self.receive.iter().map(|one| report(one, false))).collect()
    }
}
