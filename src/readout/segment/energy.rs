//! The energy of labels: that of a Potts spin glass whose ground state is a graph's communities.
//!
//! ```text
//! H = -1/n Σ_ij (G_ij - 1/n) δ(label_i, label_j)
//! ```
//!
//! (Reichardt and Bornholdt, Phys Rev E 74:016110, 2006, eq. 4, with γ = 1 and a null model in which all pixels are coupled alike.) Labels that
//! cut the coupling cost, and so do labels that hold together what is not coupled. It is blind to grey: the phases propose, it chooses.

use crate::kernel::medium::{LANES, Lanes, Medium};

/// The energy of labels, about -1 to 1; 0 of a picture without objects.
pub(super) fn energy(medium: &mut Medium, labels: &[u8]) -> f64 {
    // A lane for every object, 1 where it is.
    let lane = |label: &u8| {
        let mut lanes: Lanes = [0.0; LANES];
        if let Some(own) = usize::from(*label).checked_sub(1) {
            lanes[own] = 1.0;
        }
        lanes
    };
    let held: Vec<Lanes> = labels.iter().map(lane).collect();
    let mut counts = [0.0f64; LANES];
    let mut own = 0.0;
    for (label, mean) in labels.iter().zip(medium.means(&held)) {
        if let Some(label) = usize::from(*label).checked_sub(1) {
            counts[label] += 1.0;
            own += f64::from(mean[label]);
        }
    }
    let pixels: f64 = counts.iter().sum();
    if pixels == 0.0 {
        return 0.0;
    }
    counts.iter().map(|count| (count / pixels) * (count / pixels)).sum::<f64>() - own / pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_objects_cost_least() {
        // Two squares apart, with ground between them.
        let of = |at: usize| match at % 20 {
            1..=8 => 1,
            11..=18 => 2,
            _ => 0,
        };
        let truth: Vec<u8> = (0..200).map(of).collect();
        let mut medium = Medium::new(20, truth.iter().map(|label| *label > 0).collect(), 0.8);
        let mut cost = |change: fn(usize, u8) -> u8| {
            let labels: Vec<u8> = truth.iter().enumerate().map(|(at, label)| change(at, *label)).collect();
            energy(&mut medium, &labels)
        };
        let whole = cost(|_, label| label);
        let joined = cost(|_, label| label.min(1));
        let split = cost(|at, label| if label == 1 && at >= 100 { 3 } else { label });
        assert!((whole + 0.5).abs() < 1e-5 && whole < joined && whole < split, "{whole} {joined} {split}");
        assert_eq!(cost(|_, _| 0), 0.0);
    }
}
