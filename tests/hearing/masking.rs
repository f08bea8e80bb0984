//! Whether a contact of the room stands above what masks it, by levels alone: no part of the cochlea is asked.

use napot::kernel::gammatone::{self, Coefficients, State};
use napot::source::room::{SOLO_FRAMES, Solo};
use napot::time::{SAMPLE_RATE, SAMPLES_PER_TICK};
use napot::units::Hertz;

/// Bands from 50 Hz to 16 kHz, one equivalent rectangular bandwidth apart.
const BANDS: usize = 39;
/// Ticks after a contact, and before and after it for what masks it.
const AROUND: usize = 20;

/// The bands in which levels are compared.
pub struct Bands(Coefficients);

impl Bands {
    pub fn new() -> Self {
        let centres = gammatone::erb_spaced(Hertz(50.0), Hertz(16_000.0), BANDS);
        Self(Coefficients::new(&centres, SAMPLE_RATE))
    }

    /// How far a contact's own sound stands above all else, in dB, in the band where that is most: its mean power in
    /// the 20 ms after its time against that of everything else in the 20 ms before and after. The mean of both ears.
    pub fn prominence_db(&self, solo: &Solo) -> f32 {
        let at = SOLO_FRAMES / SAMPLES_PER_TICK;
        let own = mean(&self.powers(&solo.own)[..AROUND]);
        let rest = mean(&self.powers(&solo.rest)[at - AROUND..at + AROUND]);
        let above = own.iter().zip(rest).map(|(own, rest)| 10.0 * (own / rest.max(1e-12)).log10());
        above.fold(f32::NEG_INFINITY, f32::max)
    }

    /// Power per tick and band, the mean of both ears.
    fn powers(&self, sound: &[[f32; 2]]) -> Vec<[f32; BANDS]> {
        let mut state = State::new(&self.0);
        let tick = |frames: &[[f32; 2]; SAMPLES_PER_TICK]| {
            let ears = [0, 1].map(|side| frames.map(|frame| frame[side]));
            let mut power = [0.0; BANDS];
            gammatone::power(&self.0, &mut state, &ears, &mut power);
            power
        };
        sound.as_chunks().0.iter().map(tick).collect()
    }
}

fn mean(powers: &[[f32; BANDS]]) -> [f32; BANDS] {
    std::array::from_fn(|band| powers.iter().map(|tick| tick[band]).sum::<f32>() / powers.len() as f32)
}
