//! A hole filled as smoothly as what lies around it allows.
//!
//! The hole's pixels make the sum of `|Δx|² + T |∇x|²` over the picture least, what is known held: a thin plate under
//! tension. Without the tension a plate leaves the range of what is known where it is held on one side alone, as beyond a
//! picture's edge. The equations are solved by conjugate gradients, from means of halves, halved again.
//!
//! Sources: Franke, Comput Math Appl 11:1169 (1985), tension; Hestenes and Stiefel, J Res Natl Bur Stand 49:409 (1952); the
//! start: Gortler et al., SIGGRAPH 1996, pull and push.

use super::picture::{Picture, Plane};

/// The tension `T`, per square pixel.
const TENSION: f32 = 0.02;
/// Steps of the solver at most.
const MOST_STEPS: usize = 300;
/// What is left of the residual's square where it ends, of what it was at first.
const ENOUGH: f64 = 1e-8;

/// `picture` with every pixel at which `known` is 0.5 or less filled; elsewhere it stays. Where nothing is known, 0.
#[must_use]
pub fn filled(picture: &Picture, known: &Plane) -> Picture {
    let whole = known.map(|known| f32::from(u8::from(known > 0.5)));
    if whole.values.iter().all(|known| *known > 0.0) {
        return picture.clone();
    }
    let hole = whole.map(|known| 1.0 - known);
    picture.map(|plane| {
        let start = pushed(plane, &whole);
        relaxed(&start, &hole)
    })
}

/// What is not known by the means of what is, over as little as has any.
fn pushed(plane: &Plane, known: &Plane) -> Plane {
    if plane.height.max(plane.width) == 1 {
        return plane.with(known, |x, known| x * known);
    }
    let (low, sums) = plane.halved(known);
    let low = pushed(&low, &sums.map(|sum| sum.min(1.0)));
    let guess = low.resized(plane.height, plane.width);
    let rest = plane.with(known, |x, known| x * known);
    rest.with(&guess.with(known, |guess, known| guess * (1.0 - known)), |x, guess| x + guess)
}

/// Conjugate gradients in the hole alone.
fn relaxed(start: &Plane, hole: &Plane) -> Plane {
    let dot = |x: &Plane, y: &Plane| -> f64 {
        x.values.iter().zip(&y.values).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let mut found = start.clone();
    let mut residual = stress(&found).with(hole, |x, hole| -x * hole);
    let mut way = residual.clone();
    let first = dot(&residual, &residual);
    let mut square = first;
    for _ in 0..MOST_STEPS {
        if square <= ENOUGH * first {
            break;
        }
        let along = stress(&way).with(hole, |x, hole| x * hole);
        let step = (square / dot(&way, &along).max(f64::MIN_POSITIVE)) as f32;
        found = found.with(&way, |x, way| x + step * way);
        residual = residual.with(&along, |x, along| x - step * along);
        let next = dot(&residual, &residual);
        let share = (next / square) as f32;
        way = residual.with(&way, |x, way| x + share * way);
        square = next;
    }
    found
}

/// Half the slope of the energy: `Δ Δ x - T Δ x`; nothing flows over the picture's edge.
fn stress(plane: &Plane) -> Plane {
    let once = curved(plane);
    curved(&once).with(&once, |twice, once| twice - TENSION * once)
}

/// The sum of differences to the neighbours that there are.
fn curved(plane: &Plane) -> Plane {
    let (height, width) = (plane.height, plane.width);
    let mut out = Plane::flat(height, width, 0.0);
    for y in 0..height {
        let row = &plane.values[y * width..][..width];
        let to = &mut out.values[y * width..][..width];
        for other in [y.checked_sub(1), Some(y + 1).filter(|y| *y < height)].into_iter().flatten() {
            let beside = &plane.values[other * width..][..width];
            for ((to, x), beside) in to.iter_mut().zip(row).zip(beside) {
                *to += beside - x;
            }
        }
        for x in 1..width {
            let slope = row[x] - row[x - 1];
            to[x - 1] += slope;
            to[x] -= slope;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Plane {
        Plane::of(24, 20, |y, x| f32::from(u8::from(!(6..15).contains(&y) || !(5..14).contains(&x))))
    }

    #[test]
    fn what_is_flat_stays_flat_and_what_rises_goes_on_rising() {
        let rising = Plane::of(24, 20, |y, x| 0.2 + 0.01 * y as f32 + 0.02 * x as f32);
        for truth in [Plane::flat(24, 20, 0.3), rising] {
            let holed = Picture { planes: vec![truth.with(&known(), |x, known| x * known)] };
            let found = filled(&holed, &known());
            let off = found.planes[0].with(&truth, |x, y| (x - y).abs());
            assert!(
                off.values.iter().all(|off| *off < 2e-3),
                "{:?}",
                off.values.iter().fold(0f32, |a, b| a.max(*b))
            );
        }
    }

    #[test]
    fn what_is_known_stays_to_the_bit_and_little_is_enough() {
        let picture =
            Picture { planes: vec![Plane::of(24, 20, |y, x| ((y * 7 + x * 3) % 11) as f32 / 11.0)] };
        let found = filled(&picture, &known());
        let pairs = found.planes[0].values.iter().zip(&picture.planes[0].values);
        assert!(pairs.zip(&known().values).all(|((x, y), known)| *known < 0.5 || x == y));
        let dot = Plane::of(24, 20, |y, x| f32::from(u8::from((y, x) == (3, 4))));
        let lonely = filled(&Picture { planes: vec![dot.map(|x| 0.7 * x)] }, &dot);
        assert!(lonely.planes[0].values.iter().all(|x| (x - 0.7).abs() < 1e-3));
        assert_eq!(filled(&picture, &Plane::flat(24, 20, 1.0)), picture);
    }
}
