//! What a browser gave, in figures: rates, the tone, how even the capture times are, how old things come.

use napot::signal::{DeviceFigures, Frame, Origin, SoundChunk};
use napot::time::Timestamp;

/// An item and when it came.
pub type Came<T> = (T, Timestamp);

/// Prints what a camera gave in a stretch and holds it against 30 frames a second.
pub fn pictures(name: &str, came: &[Came<Frame>], [before, after]: [&DeviceFigures; 2]) {
    assert!(came.len() > 10, "{} pictures", came.len());
    let (first, last) = (&came[0].0, &came[came.len() - 1].0);
    let seconds = (last.stamp.time - first.stamp.time).as_secs_f64();
    let given = (last.sequence - first.sequence) as f64 / seconds;
    let arrived = (came.len() - 1) as f64 / seconds;
    let (missed, dropped) = (after.missed - before.missed, after.dropped - before.dropped);
    println!("{name}: camera {}, opened {} times, {seconds:.2} s", after.format, after.opened);
    println!(
        "  {arrived:.2} fps arrived of {given:.2} given; {missed} passed over by the page, {dropped} dropped here"
    );
    tell_times(came.iter().map(|(frame, at)| (frame.sequence, frame.stamp.time, *at)));
    assert!(came.iter().all(|(frame, _)| frame.stamp.origin == Origin::Device), "stamped on arrival");
    assert!((given - 30.0).abs() < 1.0, "{given} fps");
}

/// Prints what a microphone gave in a stretch and holds it against a tone of `hz` at 48 kHz.
pub fn sound(name: &str, came: &[Came<SoundChunk>], hz: f64, [before, after]: [&DeviceFigures; 2]) {
    assert!(came.len() > 10, "{} chunks", came.len());
    let left: Vec<f64> =
        came.iter().flat_map(|(chunk, _)| &chunk.frames).map(|[left, _]| f64::from(*left)).collect();
    let (first, last) = (&came[0].0, &came[came.len() - 1].0);
    let rate = (left.len() - last.frames.len()) as f64 / (last.captured - first.captured).as_secs_f64();
    let heard = tone(&left);
    let peak = left.iter().fold(0.0, |peak: f64, value| peak.max(value.abs()));
    let (missed, dropped) = (after.missed - before.missed, after.dropped - before.dropped);
    println!("{name}: microphone {}, opened {} times", after.format, after.opened);
    println!(
        "  {rate:.1} frames a second, tone {heard:.2} Hz, peak {peak:.3}; {missed} frames missed, {dropped} dropped"
    );
    tell_times(came.iter().map(|(chunk, at)| (chunk.sequence, chunk.captured, *at)));
    assert!((heard - hz).abs() < 2.0, "{heard} Hz");
    assert!((rate - 48_000.0).abs() < 240.0, "{rate} frames a second");
}

/// Prints how even the capture times of numbered items are, and how old they came.
fn tell_times(items: impl Iterator<Item = (u64, Timestamp, Timestamp)>) {
    let ms = |time: Timestamp| time.0 as f64 * 1e-6;
    let (mut numbers, mut captured, mut ages) = (Vec::new(), Vec::new(), Vec::new());
    for (number, time, arrival) in items {
        numbers.push(number as f64);
        captured.push(ms(time));
        ages.push(ms(arrival) - ms(time));
    }
    println!("  capture times off an even beat: {}", spread(off_line(&numbers, &captured)));
    println!("  from capture to here: {}", spread(ages));
}

/// The tone's frequency in Hz by its upward zero crossings, each placed between its frames.
fn tone(frames: &[f64]) -> f64 {
    let crossings: Vec<f64> = frames
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(at, pair)| at as f64 - pair[0] / (pair[1] - pair[0]))
        .collect();
    let [first, .., last] = crossings[..] else { return 0.0 };
    48_000.0 * (crossings.len() - 1) as f64 / (last - first)
}

/// How far `values` lie from their line of least squares over `places`.
fn off_line(places: &[f64], values: &[f64]) -> Vec<f64> {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (x, y) = (mean(places), mean(values));
    let over: f64 = places.iter().zip(values).map(|(place, value)| (place - x) * (value - y)).sum();
    let slope = over / places.iter().map(|place| (place - x).powi(2)).sum::<f64>();
    places.iter().zip(values).map(|(place, value)| value - y - slope * (place - x)).collect()
}

fn spread(mut sorted: Vec<f64>) -> String {
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    format!("{:.2} ms least, {:.2} median, {:.2} at 95 %, {:.2} most", at(0.0), at(0.5), at(0.95), at(1.0))
}
