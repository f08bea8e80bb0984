//! What of an item lies between two ticks, and which changes from before them still stand.

use std::collections::BTreeMap;

use super::message::sample_tick;
use crate::signal::{AS_CONFIGURED, ChannelsItem, Entered, LatencyItem, SessionItem, is_decisive};
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// An end that no run reaches.
pub(super) const NO_END: Tick = Tick(1 << 40);

/// What of `item` lies from the first of two ticks to before the second; electrodes have `electrodes` channels at `rate_hz`.
pub(super) fn cut(
    item: SessionItem,
    [from, to]: [Tick; 2],
    electrodes: usize,
    rate_hz: u32,
) -> Option<SessionItem> {
    let within = |tick: Tick| (from..to).contains(&tick);
    let during = |time: Timestamp| time >= from.start() && time < to.start();
    match item {
        SessionItem::Entered(entered) => self::entered(entered, [from, to]).map(SessionItem::Entered),
        SessionItem::Latency(latency) => self::latency(latency, [from, to]).map(SessionItem::Latency),
        SessionItem::Electrodes(first, values) => {
            let samples = values.len() / electrodes.max(1);
            let inside = |sample: &usize| within(sample_tick(first + *sample as u64, rate_hz));
            let start = (0..samples).find(inside)?;
            let end = (start..samples).find(|sample| !inside(sample)).unwrap_or(samples);
            let values = values[start * electrodes..end * electrodes].to_vec();
            Some(SessionItem::Electrodes(first + start as u64, values))
        }
        SessionItem::Ledger(line) => within(line.tick).then_some(item),
        SessionItem::State(ref state) => within(state.next).then_some(item),
        SessionItem::Mark(time, _) | SessionItem::Control(time, _) => during(time).then_some(item),
        SessionItem::Channels(channels) => {
            let width = channels.values.len() / channels.times.len().max(1);
            let samples = channels.times.iter().zip(channels.values.chunks(width.max(1)));
            let (times, values): (Vec<Timestamp>, Vec<&[f32]>) =
                samples.filter(|(time, _)| during(**time)).unzip();
            (!times.is_empty())
                .then(|| SessionItem::Channels(ChannelsItem { times, values: values.concat() }))
        }
        SessionItem::Picture(ref picture) => during(picture.time).then_some(item),
    }
}

/// What of a block entered from the first of two ticks to before the second.
pub(super) fn entered(mut entered: Entered, [from, to]: [Tick; 2]) -> Option<Entered> {
    let [first, end] = [entered.first.max(from), entered.end().min(to)];
    if first >= end {
        return None;
    }
    let frames = |ticks: u64| (ticks as usize * SAMPLES_PER_TICK).min(entered.sound.len());
    let [skipped, kept] = [frames(first.0 - entered.first.0), frames(end.0 - entered.first.0)];
    entered.sound.truncate(kept);
    entered.sound.drain(..skipped);
    entered.bursts.retain(|(at, _)| (first..end).contains(at));
    entered.ticks = (end.0 - first.0) as u32;
    entered.first = first;
    Some(entered)
}

fn latency(latency: LatencyItem, [from, to]: [Tick; 2]) -> Option<LatencyItem> {
    let LatencyItem { first, mut ticks } = latency;
    let end = Tick(first.0 + ticks.len() as u64);
    let [start, end] = [first.max(from), end.min(to)];
    if start >= end {
        return None;
    }
    ticks.truncate((end.0 - first.0) as usize);
    ticks.drain(..(start.0 - first.0) as usize);
    Some(LatencyItem { first: start, ticks })
}

/// The last change of each kind: by these a part begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing(BTreeMap<String, String>);

impl Standing {
    /// Takes the next change.
    pub(super) fn take(&mut self, change: &str) {
        self.0.insert(kind(change).to_owned(), change.to_owned());
    }

    /// Where none of this kind stands, takes what every run begins with: its configuration, and nobody holds.
    pub(super) fn take_begun(&mut self, change: &str) {
        let begun = match change.split_once('=') {
            _ if is_decisive(change) => AS_CONFIGURED.to_owned(),
            Some((key, "true" | "false")) => format!("{key}=false"),
            _ => return,
        };
        self.0.entry(kind(change).to_owned()).or_insert(begun);
    }

    /// The changes, made anew at `time`.
    pub(super) fn items(&self, time: Timestamp) -> Vec<SessionItem> {
        self.0.values().map(|change| SessionItem::Control(time, change.clone())).collect()
    }
}

/// Which changes a later one replaces. Parameters are told all at once; what is shown, and who holds, each by its key.
fn kind(change: &str) -> &str {
    if is_decisive(change) {
        return "array";
    }
    change.split_once('=').map_or(change, |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{ArrayId, Burst, LedgerLine, Sign, StateItem};

    const RANGE: [Tick; 2] = [Tick(1_010), Tick(1_030)];

    fn part(item: SessionItem) -> Option<SessionItem> {
        cut(item, RANGE, 2, 500)
    }

    fn block(first: u64, ticks: u32) -> Entered {
        let burst = |tick: u64| Burst {
            time: Timestamp(0),
            array: ArrayId(0),
            site: tick as u32,
            sign: Sign::On,
            phase: 0.0,
            magnitude: 1.0,
            surprisal_bits: 1.0,
        };
        let end = first + u64::from(ticks);
        Entered {
            first: Tick(first),
            ticks,
            sound: (first * 48..end * 48).map(|frame| [frame as f32; 2]).collect(),
            bursts: (first..end).map(|tick| (Tick(tick), burst(tick))).collect(),
        }
    }

    #[test]
    fn blocks_are_cut_at_both_ends_to_the_tick_and_the_frame() {
        assert_eq!(entered(block(1_000, 100), RANGE), Some(block(1_010, 20)));
        assert_eq!(entered(block(1_000, 20), RANGE), Some(block(1_010, 10)));
        assert_eq!(entered(block(1_020, 100), RANGE), Some(block(1_020, 10)));
        assert_eq!(entered(block(1_012, 3), RANGE), Some(block(1_012, 3)));
        assert_eq!(entered(block(900, 110), RANGE), None);
        assert_eq!(entered(block(1_030, 10), RANGE), None);
        let deaf = Entered { sound: Vec::new(), ..block(1_000, 100) };
        assert_eq!(entered(deaf, RANGE), Some(Entered { sound: Vec::new(), ..block(1_010, 20) }));
        let ticks = |from: u32, to: u32| (from..to).map(|tick| (Some(tick), tick)).collect();
        let whole = LatencyItem { first: Tick(1_000), ticks: ticks(0, 100) };
        let found = part(SessionItem::Latency(whole));
        assert_eq!(
            found,
            Some(SessionItem::Latency(LatencyItem { first: Tick(1_010), ticks: ticks(10, 30) }))
        );
    }

    #[test]
    fn samples_keep_their_numbers() {
        // At 500 a second a sample is two ticks: numbers 505 to 514 lie in the range.
        let values = (0..80).map(|value| value as f32).collect();
        let found = part(SessionItem::Electrodes(490, values)).unwrap();
        let wanted = (30..50).map(|value| value as f32).collect();
        assert_eq!(found, SessionItem::Electrodes(505, wanted));
        assert_eq!(part(SessionItem::Electrodes(0, vec![0.0; 20])), None);
    }

    #[test]
    fn samples_of_channels_go_by_their_own_times() {
        let times: Vec<Timestamp> = [1_000, 1_010, 1_029, 1_030].map(|tick| Tick(tick).start()).to_vec();
        let values = (0..8).map(|value| value as f32).collect();
        let found = part(SessionItem::Channels(ChannelsItem { times: times.clone(), values }));
        let wanted = ChannelsItem { times: times[1..3].to_vec(), values: vec![2.0, 3.0, 4.0, 5.0] };
        assert_eq!(found, Some(SessionItem::Channels(wanted)));
    }

    #[test]
    fn of_each_kind_of_change_the_last_stands() {
        let mut standing = Standing::default();
        for change in [
            "view.band=1",
            "array.kappa=1",
            "binding.hold.2=true",
            "binding.hold.3=true",
            "view.band=4",
            AS_CONFIGURED,
            "binding.hold.3=false",
        ] {
            standing.take(change);
        }
        let items = |standing: &Standing, changes: &[&str]| {
            let made = |change: &&str| SessionItem::Control(Timestamp(7), (*change).to_owned());
            assert_eq!(standing.items(Timestamp(7)), changes.iter().map(made).collect::<Vec<_>>());
        };
        items(&standing, &[AS_CONFIGURED, "binding.hold.2=true", "binding.hold.3=false", "view.band=4"]);
        for change in ["array.kappa=1", "binding.hold.2=false", "binding.hold.5=true", "view.band=1"] {
            standing.take_begun(change);
        }
        items(
            &standing,
            &[
                AS_CONFIGURED,
                "binding.hold.2=true",
                "binding.hold.3=false",
                "binding.hold.5=false",
                "view.band=4",
            ],
        );
    }

    #[test]
    fn what_has_one_time_is_in_or_out() {
        let line =
            |tick| SessionItem::Ledger(LedgerLine { tick: Tick(tick), state: [0; 16], inputs: [0; 16] });
        let state = |next| SessionItem::State(StateItem { next: Tick(next), ..StateItem::default() });
        let mark = |tick: u64| SessionItem::Mark(Tick(tick).start(), String::new());
        for make in [&line as &dyn Fn(u64) -> SessionItem, &state, &mark] {
            for (tick, stays) in [(1_009, false), (1_010, true), (1_029, true), (1_030, false)] {
                assert_eq!(part(make(tick)), stays.then(|| make(tick)), "{tick}");
            }
        }
    }
}
