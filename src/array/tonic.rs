//! The tonic state: band variances `E_b` for the wanted exponent, and the noise that keeps them.
//!
//! Four things would bend a spectrum that was built from `E_b ∝ f^(1-χ)` and noise of that strength, and are
//! solved for here:
//!
//! * the skirts of second-order bands flatten it: the variances follow `f^(1-x)` with `x` solved so that the
//!   *measured* exponent is χ;
//! * diffusion and saturation take energy from a site beyond `γ`: `c_b²` makes it good, summed exactly over
//!   the lattice's modes for the band's own steps;
//! * noise that comes in steps has no time to spread within one: long waves would be weaker and neighbours less alike
//!   than in the continuous equation, so a step spreads a little more than `D h`;
//! * the cascade pulls unequal variances together: its flux is made good by the closure of the triad in which it also
//!   scrambles what it moves (direct interaction: Kraichnan, J Fluid Mech 5:497, 1959; its rates as in the
//!   eddy-damped closure: Orszag, J Fluid Mech 41:363, 1970).

use super::parameters::ArrayParameters;

/// The least noise of a band, in units of what it would take alone.
const LEAST_NOISE: f64 = 0.1;
/// Rounds in which the rates of forgetting settle, far below rounding.
const ROUNDS: usize = 64;
/// The spread at which a step leaves nothing of the roughest wave.
const WIDEST: f64 = 0.125;
/// The longest ring whose waves are told apart.
const LONGEST_RING: usize = 256;

/// Variances and noise of every band.
#[derive(Clone, Debug, PartialEq)]
pub struct Tonic {
    /// `E_b`, the variance `⟨|z_b|²⟩` of a site; their mean is 1.
    pub variances: Vec<f64>,
    /// Variance of the complex noise that one step adds to a site.
    pub noise: Vec<f64>,
    /// The weight of each neighbour's difference in one step: `D h`, or what makes neighbours as alike as endless steps do.
    pub spread: Vec<f64>,
    /// `c_b²`: how much faster a site loses energy than `γ_b` alone would take it, whatever the steps.
    pub compensation: f64,
    /// `Γ_b` in 1/s: the rate at which a site forgets its band, by its loss `γ_b c_b²` and by the triads.
    pub rates: Vec<f64>,
}

impl Tonic {
    /// Solves the tonic state of a `height x width` torus.
    #[must_use]
    pub fn solve(parameters: &ArrayParameters, height: usize, width: usize) -> Self {
        let variances = variances(parameters);
        let waves = Waves::of(height, width);
        let spread: Vec<f64> = (0..parameters.bands).map(|band| spread(parameters, band, &waves)).collect();
        let share: Vec<f64> = spread
            .iter()
            .enumerate()
            .map(|(band, spread)| injection(parameters, band, *spread, &waves))
            .collect();
        let alone = saturated(parameters);
        let compensation = 1.0 / waves.mean(|wave| 1.0 / (alone + parameters.diffusion * wave));
        let losses: Vec<f64> =
            (0..parameters.bands).map(|band| parameters.gamma(band) * compensation).collect();
        let rates = forgetting(parameters.kappa, &losses, &variances);
        let noise = noise(parameters.kappa, &variances, &share, (&losses, &rates));
        Self { variances, noise, spread, compensation, rates }
    }
}

/// The exponent `x` of `E_b ∝ f^(1-x)` whose measured exponent over 1 to 80 Hz is χ.
///
/// Measured on sheets of 32 x 32 with Q = 1.5, D = 0.3 γ, κ from 0 to 2: the spectrum follows `x` by 0.85 less 0.052 κ, and
/// by less below χ = 1, where the closure leaves the slow bands too much, and beyond 1.5, where skirts do; beyond
/// κ = 3 all is held.
fn steepness(parameters: &ArrayParameters) -> f64 {
    let kappa = parameters.kappa.min(3.0);
    let (below, beyond) = ((1.0 - parameters.chi).max(0.0), (parameters.chi - 1.5).max(0.0));
    0.944 + 0.007 * kappa + (parameters.chi - 1.0) / (0.85 - 0.052 * kappa)
        - (0.065 + 0.405 * kappa) * kappa * below * below
        + (0.75 + 0.25 * kappa) * beyond * beyond
}

fn variances(parameters: &ArrayParameters) -> Vec<f64> {
    let x = steepness(parameters);
    let raw: Vec<f64> =
        (0..parameters.bands).map(|band| libm::pow(parameters.centre(band).0, 1.0 - x)).collect();
    let mean = raw.iter().sum::<f64>() / raw.len() as f64;
    raw.iter().map(|value| value / mean).collect()
}

/// The noise variance per step, in units of `E_b`, that holds a site at `E_b` without a cascade.
fn injection(parameters: &ArrayParameters, band: usize, spread: f64, waves: &Waves) -> f64 {
    let decay = decay(parameters, band);
    1.0 / waves.mean(|wave| grown(decay * (1.0 - spread * wave)))
}

/// The spread with which the longest wave's share of a site's variance is that of endless steps.
///
/// Its share falls with diffusion until the roughest wave would vanish in one step, at 1/8. Where even that is not
/// enough, and where the noise has but one mode, the spread is `D h`.
fn spread(parameters: &ArrayParameters, band: usize, waves: &Waves) -> f64 {
    let plain = parameters.diffusion * parameters.gamma(band) * parameters.step_seconds(band);
    let (alone, decay) = (saturated(parameters), decay(parameters, band));
    let wanted = waves.mean(|wave| alone / (alone + parameters.diffusion * wave));
    let others = |spread: f64| waves.mean(|wave| grown(decay * (1.0 - spread * wave)) / grown(decay));
    let (mut low, mut high) = (plain, WIDEST);
    if low >= high || others(high) > wanted || others(low) <= wanted {
        return plain;
    }
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if others(middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// What one step leaves of a long wave, saturation included.
fn decay(parameters: &ArrayParameters, band: usize) -> f64 {
    libm::exp(-saturated(parameters) * parameters.gamma(band) * parameters.step_seconds(band))
}

/// The variance that noise of one per step keeps up where a step leaves `factor`.
fn grown(factor: f64) -> f64 {
    1.0 / (1.0 - factor * factor)
}

/// Linear loss with saturation in units of `γ`: saturation removes `2 g <|z|^4> / <|z|^2> = 4 g E` of the square of a
/// complex normal, as if `γ` were larger by `2 g E`.
fn saturated(parameters: &ArrayParameters) -> f64 {
    1.0 + 2.0 * parameters.saturation
}

/// Eigenvalues of the torus's Laplacian, each with how many modes have it.
struct Waves(Vec<(f64, f64)>);

impl Waves {
    /// Those of a `height x width` torus.
    fn of(height: usize, width: usize) -> Self {
        let (rows, columns) = (Self::along(height), Self::along(width));
        let pair = |(down, rows): &(f64, f64)| {
            let (down, rows) = (*down, *rows);
            columns.iter().map(move |(across, columns)| (down + across, rows * columns)).collect::<Vec<_>>()
        };
        Self(rows.iter().flat_map(pair).collect())
    }

    /// Those of a ring of `n`; `k` and `n - k` are alike. Long rings are alike to rounding: their waves are a sum
    /// over one period of a smooth function.
    fn along(n: usize) -> Vec<(f64, f64)> {
        let n = n.min(LONGEST_RING);
        let wave = |k: usize| {
            let s = libm::sin(core::f64::consts::PI * k as f64 / n as f64);
            (4.0 * s * s, if k == 0 || 2 * k == n { 1.0 } else { 2.0 })
        };
        (0..=n / 2).map(wave).collect()
    }

    /// The mean of `of` an eigenvalue over all modes.
    fn mean(&self, of: impl Fn(f64) -> f64) -> f64 {
        let sum: f64 = self.0.iter().map(|(wave, count)| count * of(*wave)).sum();
        sum / self.0.iter().map(|(_, count)| count).sum::<f64>()
    }
}

/// The noise of every band with the cascade's flux made good.
///
/// With `L_b = γ_b c_b²` a site's loss, `k = κ L_b / sqrt(E_b)` and `Γ` the rates at which bands forget, the third moment of
/// the pair `a`, `c` that the triad keeps up is `2 k E_a (E_c - E_a)` over its own loss `2 Γ_a + Γ_c`. So `2 k` times that
/// flows from fast to slow: nothing where the variances are equal.
fn noise(kappa: f64, variances: &[f64], share: &[f64], (losses, rates): (&[f64], &[f64])) -> Vec<f64> {
    let flux = |slow: usize| {
        let drop = variances[slow + 1] - variances[slow];
        let strength = 2.0 * kappa * losses[slow];
        strength * strength * drop / (2.0 * rates[slow] + rates[slow + 1])
    };
    let needed = |band: usize| {
        let from_fast = if band + 1 < variances.len() { flux(band) } else { 0.0 };
        let to_slow = if band > 0 { flux(band - 1) } else { 0.0 };
        variances[band] - (from_fast - to_slow) / (2.0 * losses[band])
    };
    let noise = |band: usize| share[band] * needed(band).max(LEAST_NOISE * variances[band]);
    (0..variances.len()).map(noise).collect()
}

/// The rate at which each band forgets its state: its loss and what the triads scramble, which is their response
/// to a small change of the band by way of its partners, under the rates that result.
fn forgetting(kappa: f64, losses: &[f64], variances: &[f64]) -> Vec<f64> {
    let mut rates = losses.to_vec();
    for _ in 0..ROUNDS {
        let scrambled = |band: usize| {
            let square = |pair: usize| {
                let strength = kappa * losses[pair];
                strength * strength
            };
            let as_slow = variances.get(band + 1).map_or(0.0, |fast| {
                square(band) * (2.0 - fast / variances[band]) / (rates[band] + rates[band + 1])
            });
            let as_fast = if band > 0 { square(band - 1) / rates[band - 1] } else { 0.0 };
            losses[band] + (as_slow + as_fast).max(0.0)
        };
        // Halfway each time: the rates stand below the line that they come from.
        rates = (0..rates.len()).map(|band| 0.5 * (rates[band] + scrambled(band))).collect();
    }
    rates
}
