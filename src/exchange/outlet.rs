//! An outlet: takes electrode items from the keeper and hands them to a sender on a thread of its own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};

use super::account::Account;
use super::address::Address;
use crate::error::{Error, Kind, Result};
use crate::readout::electrodes::low_pass;
use crate::signal::ElectrodeItem;
use crate::stream::Sink;
use crate::time::{Clock, TICKS_PER_SECOND, Timestamp, WallClock};

/// Items that may wait for the sender: four seconds at 1000 Hz.
const ROOM: usize = 4_096;
/// The longest time without an item while model time goes on; beyond it, it stood still.
const LONGEST_GAP: Duration = Duration::from_secs(1);
/// What the mark of an onset says; others are notes and what was recognised.
pub(super) const ONSET: &str = "onset";

/// What an outlet sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Electrodes {
    /// The electrodes' names, in the order of a sample's values.
    pub names: Vec<String>,
    /// Samples per second.
    pub rate_hz: u32,
    /// The model time of the first sample.
    pub first: Timestamp,
}

impl Electrodes {
    /// How much later than its own time a sample comes: what the low-pass waits for. Who sets model time against another
    /// clock by when samples come takes it off; marks come without it.
    #[must_use]
    pub fn delay(&self) -> Duration {
        let ticks = low_pass(self.rate_hz, 0).delay() as u64;
        Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
    }

    /// The model time of the sample with this index.
    fn time(&self, sample: u64) -> Timestamp {
        Timestamp(self.first.0.saturating_add(Timestamp::from_count(sample, self.rate_hz).0))
    }
}

/// What carries items to another program; it counts what it sent and what was refused.
pub(super) trait Transmit: Send {
    /// Takes one item of this model time; it may wait for more before it sends. Items may be missing before it.
    fn send(&mut self, time: Timestamp, item: &ElectrodeItem) -> Result<()>;

    /// There is nothing more at the moment.
    fn pause(&mut self) -> Result<()> {
        Ok(())
    }

    /// Model time stood still: what comes is set against another clock anew.
    fn begin_anew(&mut self) {}

    /// There is nothing more at all.
    fn finish(&mut self) -> Result<()>;
}

/// An outlet; the keeper's end.
pub(super) struct Outlet {
    address: String,
    electrodes: Electrodes,
    /// Samples so far, sent or lost: a loss moves no later stamp.
    samples: u64,
    items: Option<Sender<(Timestamp, ElectrodeItem)>>,
    thread: Option<JoinHandle<Result<()>>>,
    account: Arc<Account>,
}

impl Outlet {
    /// Starts the thread of `transmit`.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(super) fn start(
        address: &Address,
        electrodes: &Electrodes,
        account: &Arc<Account>,
        transmit: impl Transmit + 'static,
    ) -> Result<Self> {
        Self::with_room(ROOM, address, electrodes, account, transmit)
    }

    fn with_room(
        room: usize,
        address: &Address,
        electrodes: &Electrodes,
        account: &Arc<Account>,
        mut transmit: impl Transmit + 'static,
    ) -> Result<Self> {
        let (sender, receiver) = bounded(room);
        let address = address.to_string();
        let thread = std::thread::Builder::new()
            .name("napot-outlet".to_owned())
            .spawn(move || carry(&receiver, &mut transmit))
            .map_err(|cause| Error::new(Kind::Output, &address, "no thread could be started").value(cause))?;
        let (electrodes, account) = (electrodes.clone(), Arc::clone(account));
        Ok(Self { address, electrodes, samples: 0, items: Some(sender), thread: Some(thread), account })
    }

    /// Waits for the thread's end and tells how it ended.
    fn join(&mut self) -> Result<()> {
        self.items = None;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let panicked = |_| Error::new(Kind::Output, &self.address, "the thread of this outlet panicked");
        thread.join().map_err(panicked)?
    }
}

/// Carries items until the keeper has let go of its end.
fn carry(items: &Receiver<(Timestamp, ElectrodeItem)>, transmit: &mut impl Transmit) -> Result<()> {
    let clock = WallClock::start();
    loop {
        let (time, item) = match items.try_recv() {
            Ok(item) => item,
            Err(TryRecvError::Disconnected) => return transmit.finish(),
            Err(TryRecvError::Empty) => {
                transmit.pause()?;
                let waits = clock.now();
                let Ok(item) = items.recv() else { return transmit.finish() };
                if clock.now() - waits > LONGEST_GAP {
                    transmit.begin_anew();
                }
                item
            }
        };
        transmit.send(time, &item)?;
    }
}

impl Sink for Outlet {
    type Item = ElectrodeItem;

    /// Never waits: what finds no room is dropped and counted.
    fn push(&mut self, item: &ElectrodeItem) -> Result<()> {
        let time = match item {
            ElectrodeItem::Sample(_) => {
                self.samples += 1;
                self.electrodes.time(self.samples - 1)
            }
            ElectrodeItem::Mark(time, _) => *time,
        };
        let Some(items) = &self.items else { return Ok(()) };
        match items.try_send((time, item.clone())) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.account.lose(1);
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => self.join(),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.join()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Sends to a place from which a test reads, when it may.
    struct Slow {
        may: Receiver<()>,
        account: Arc<Account>,
        newest: Arc<AtomicI64>,
    }

    /// Tells how often it began anew.
    struct Anew(u64, Arc<Account>);

    impl Transmit for Anew {
        fn send(&mut self, _: Timestamp, _: &ElectrodeItem) -> Result<()> {
            self.1.pass(1);
            Ok(())
        }

        fn begin_anew(&mut self) {
            self.0 += 1;
        }

        fn finish(&mut self) -> Result<()> {
            self.1.lose(self.0);
            Ok(())
        }
    }

    impl Transmit for Slow {
        fn send(&mut self, time: Timestamp, item: &ElectrodeItem) -> Result<()> {
            if matches!(item, ElectrodeItem::Mark(..)) {
                return Err(Error::output("there", "it is gone"));
            }
            let _ = self.may.recv();
            self.account.pass(1);
            self.newest.store(time.0, Ordering::Relaxed);
            Ok(())
        }

        fn finish(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn slow(room: usize) -> (Box<Outlet>, Sender<()>, Arc<Account>, Arc<AtomicI64>) {
        let (allow, may) = bounded(0);
        let account = Arc::new(Account::default());
        let address = Address::to_send("osc:there:1").unwrap();
        let electrodes = Electrodes { names: Vec::new(), rate_hz: 1_000, first: Timestamp(5_000_000) };
        let newest = Arc::default();
        let slow = Slow { may, account: Arc::clone(&account), newest: Arc::clone(&newest) };
        let outlet = Outlet::with_room(room, &address, &electrodes, &account, slow).unwrap();
        (Box::new(outlet), allow, account, newest)
    }

    #[test]
    fn a_receiver_that_hangs_never_holds_the_keeper_up_and_every_loss_is_counted() {
        let (mut outlet, allow, account, newest) = slow(4);
        for _ in 0..100 {
            outlet.push(&ElectrodeItem::Sample(vec![0.0])).unwrap();
        }
        let lost = account.read().dropped;
        assert!((95..=96).contains(&lost), "four wait, one may be on its way: {lost} of 100 were lost");
        drop(allow);
        // Once there is room again, a sample has the time that it would have had without the loss.
        while account.read().passed < 100 - lost {
            std::thread::yield_now();
        }
        outlet.push(&ElectrodeItem::Sample(vec![0.0])).unwrap();
        outlet.finish().unwrap();
        assert_eq!(account.read().passed + lost, 101);
        assert_eq!(newest.load(Ordering::Relaxed), 105_000_000);
    }

    #[test]
    fn samples_have_their_own_times_and_say_how_late_they_come() {
        let of = |rate_hz| Electrodes { names: Vec::new(), rate_hz, first: Timestamp(2_000_000_000) };
        let times = [1_000, 500, 250].map(|rate_hz| of(rate_hz).time(50).0 / 1_000_000);
        assert_eq!(times, [2_050, 2_100, 2_200]);
        let delays = [1_000, 500, 250].map(|rate_hz| of(rate_hz).delay().as_millis());
        assert_eq!(delays, [0, 26, 52]);
    }

    #[test]
    fn after_a_time_that_stood_still_stamps_begin_anew() {
        let (account, address) = (Arc::new(Account::default()), Address::to_send("osc:there:1").unwrap());
        let electrodes = Electrodes { names: Vec::new(), rate_hz: 1_000, first: Timestamp::ZERO };
        let anew = Anew(0, Arc::clone(&account));
        let mut outlet = Box::new(Outlet::start(&address, &electrodes, &account, anew).unwrap());
        for wait_ms in [10, 1_200, 10] {
            outlet.push(&ElectrodeItem::Sample(vec![0.0])).unwrap();
            std::thread::sleep(Duration::from_millis(wait_ms));
        }
        outlet.push(&ElectrodeItem::Sample(vec![0.0])).unwrap();
        outlet.finish().unwrap();
        // A machine that stalls may make it more often.
        assert_eq!((account.read().passed, account.read().dropped > 0), (4, true));
    }

    #[test]
    fn an_outlet_that_fails_says_so_once() {
        let (mut outlet, allow, ..) = slow(4);
        drop(allow);
        let mut told = Vec::new();
        while told.is_empty() {
            told.extend(outlet.push(&ElectrodeItem::Mark(Timestamp::ZERO, String::new())).err());
        }
        assert_eq!(told[0].to_string(), "there: it is gone");
        assert!(outlet.push(&ElectrodeItem::Sample(vec![0.0])).is_ok() && outlet.finish().is_ok());
    }
}
