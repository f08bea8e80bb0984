//! A dream: the way back from an array's tonic field, of which nothing was ever observed.

use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::team::Team;
use crate::memory::backwards::{Renderer, dream};
use crate::memory::picture::{Picture, Plane};
use crate::signal::ArrayId;
use crate::time::Tick;

/// Planes of a dream: luminance and chroma, each from a band of its own.
const PLANES: usize = 3;
/// Ticks from one step to the next, as in the mind's eye: fast bands have forgotten what they were.
const APART: u64 = 97;

/// Dreams a picture of `side` x `side` pixels in so many steps, by an array of such parameters and as many sites.
///
/// # Errors
/// As [`dream`], and where a parameter is out of bounds.
pub(super) fn dreamt(
    side: usize,
    parameters: &ArrayParameters,
    (seed, threads): (u64, usize),
    renderer: &dyn Renderer,
    steps: usize,
) -> Result<Picture> {
    // Renderers know white noise: sites that are coupled would be alike.
    let parameters = ArrayParameters { twin: false, diffusion: 0.0, ..parameters.clone() };
    let mut array = Array::new(ArrayId(0), side, side, &parameters, seed, threads)?;
    let mut team = Team::new(threads);
    let mut tick = Tick(0);
    let noise = || {
        for _ in 0..APART {
            array.step(tick, &mut team);
            tick = tick.next();
        }
        tonic(&array)
    };
    dream(noise, renderer, steps)
}

/// The field of the fastest bands as noise of no mean and variance 1, the fastest as luminance; where there are not as many bands,
/// an imaginary part is another's real one.
fn tonic(array: &Array) -> Picture {
    let (field, shape) = (array.field(), array.shape());
    let plane = |number: usize| {
        let band = shape.bands - 1 - number % shape.bands;
        let part = if number < shape.bands { field.re } else { field.im };
        Plane::of(shape.height, shape.width, |y, x| part[[band, y, x]]).standardised()
    };
    Picture { planes: (0..PLANES).map(plane).collect() }
}
