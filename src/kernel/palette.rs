//! Colours of constant luminance: phase as hue, amplitude as chroma; nothing the field does can flash.
//!
//! A fully coloured phase is CIELAB at lightness 65 with as much chroma as sRGB holds for that hue, at most 60 (CIE 15:2004;
//! IEC 61966-2-1). All of these have one relative luminance `Y`; grey of the same `Y` is mixed in for lower amplitudes
//! in linear light, where luminance adds up, so that `Y` stays the same for every phase and every amplitude.

/// CIELAB lightness of every colour.
const LIGHTNESS: f64 = 65.0;
/// The most chroma.
const MOST_CHROMA: f64 = 60.0;
/// CIELAB hue of phase 0: that of sRGB red, in radians.
const RED_HUE: f64 = 0.698;
/// The white that sRGB refers to (D65), as X and Z for Y = 1.
const WHITE: [f64; 2] = [0.950_47, 1.088_83];
/// Steps of the table from linear light to sRGB.
const STEPS: usize = 4_096;

/// Colours of labels that people of every colour vision tell apart (Okabe and Ito, "Color universal design", 2008; without black).
const LABELS: [[u8; 3]; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
];

/// The colour of what has no label.
const GROUND: [u8; 3] = [24, 24, 24];

/// The table of colours.
#[derive(Clone, Debug)]
pub struct Palette {
    /// Linear red, green, blue of each of 256 phases at full amplitude.
    vivid: Vec<[f32; 3]>,
    /// Linear grey of the same luminance.
    grey: f32,
    encoded: Vec<u8>,
}

impl Default for Palette {
    fn default() -> Self {
        Self::new()
    }
}

impl Palette {
    /// Computes the table.
    #[must_use]
    pub fn new() -> Self {
        let vivid = (0..256).map(|phase| {
            let hue = RED_HUE + core::f64::consts::TAU * f64::from(phase) / 256.0;
            linear_rgb(LIGHTNESS, chroma_within(hue), hue).map(|value| value as f32)
        });
        let encode = |step: usize| (encode_srgb(step as f64 / (STEPS - 1) as f64) * 255.0).round() as u8;
        Self {
            vivid: vivid.collect(),
            grey: linear_rgb(LIGHTNESS, 0.0, 0.0)[1] as f32,
            encoded: (0..STEPS).map(encode).collect(),
        }
    }

    /// The sRGB colour of a phase (256 to the turn, 0 is red) and an amplitude (0 is grey, 255 fully coloured).
    #[must_use]
    pub fn colour(&self, phase: u8, amplitude: u8) -> [u8; 3] {
        let share = f32::from(amplitude) / 255.0;
        self.vivid[usize::from(phase)].map(|vivid| {
            let linear = self.grey + share * (vivid - self.grey);
            self.encoded[(linear * (STEPS - 1) as f32 + 0.5).clamp(0.0, (STEPS - 1) as f32) as usize]
        })
    }
}

/// The colour of a label from 1 on; 0 is ground. Beyond the end of the palette it begins again, darker.
#[must_use]
pub fn label_colour(label: u8) -> [u8; 3] {
    let Some(at) = usize::from(label).checked_sub(1) else { return GROUND };
    let share = 1.0 / (1 + at / LABELS.len()) as f32;
    LABELS[at % LABELS.len()].map(|part| (f32::from(part) * share) as u8)
}

/// The most chroma at this hue that sRGB holds, up to [`MOST_CHROMA`].
fn chroma_within(hue: f64) -> f64 {
    let (mut low, mut high) = (0.0, MOST_CHROMA);
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        let held = linear_rgb(LIGHTNESS, middle, hue).iter().all(|value| (0.0..=1.0).contains(value));
        if held {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// CIELAB by lightness, chroma and hue to linear sRGB; outside 0 to 1 where sRGB does not hold the colour.
fn linear_rgb(lightness: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let y = (lightness + 16.0) / 116.0;
    let x = y + chroma * libm::cos(hue) / 500.0;
    let z = y - chroma * libm::sin(hue) / 200.0;
    let cube = |t: f64| if t > 6.0 / 29.0 { t * t * t } else { 108.0 / 841.0 * (t - 4.0 / 29.0) };
    let (x, y, z) = (WHITE[0] * cube(x), cube(y), WHITE[1] * cube(z));
    [
        3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z,
        -0.969_266_0 * x + 1.876_010_8 * y + 0.041_556_0 * z,
        0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z,
    ]
}

/// Linear light to sRGB, both 0 to 1 (IEC 61966-2-1).
#[must_use]
pub fn encode_srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * libm::pow(linear, 1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = rgb.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn every_phase_and_amplitude_has_the_same_luminance() {
        let palette = Palette::new();
        let grey = luminance(palette.colour(0, 0));
        for phase in 0..=255 {
            for amplitude in (0..=255).step_by(15) {
                let relative = luminance(palette.colour(phase, amplitude)) / grey - 1.0;
                // A flash needs a change of 10 % of the maximum (WCAG 2.3.1); rounding to 8 bits leaves this.
                assert!(relative.abs() < 0.012, "phase {phase}, amplitude {amplitude}: {relative}");
            }
        }
    }

    #[test]
    fn every_label_has_a_colour_and_the_first_ones_differ() {
        let mut colours: Vec<[u8; 3]> = (0..=2 * LABELS.len() as u8).map(label_colour).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 2 * LABELS.len() + 1);
        assert_ne!(label_colour(u8::MAX), GROUND);
    }

    #[test]
    fn phase_zero_is_red_and_the_circle_closes() {
        let palette = Palette::new();
        let [red, green, blue] = palette.colour(0, 255);
        assert!(red > 200 && red > green + 60 && red > blue + 60, "{red} {green} {blue}");
        let (first, last) = (palette.colour(0, 255), palette.colour(255, 255));
        assert!(first.iter().zip(last).all(|(a, b)| a.abs_diff(b) < 8), "{first:?} {last:?}");
    }
}
