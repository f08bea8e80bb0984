//! A residual convolutional network: a first layer, blocks that add to what they were given, one last layer per task.
//!
//! ```text
//! h = A x,    h <- h + C relu(B h)   (block by block),    y = D_task h
//! ```
//!
//! All windows are 3 x 3 within a rim of zeros. A last layer gives `scale²` channels, which are the pixels of a picture
//! `scale` times as large: the work is done where the picture is small.
//!
//! Sources: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
//! neural network", CVPR 2016; Lim et al., "Enhanced deep residual networks", CVPRW 2017 (blocks without normalisation);
//! Zhang, Zuo, Zhang, "`FFDNet`", IEEE Trans Image Process 27:4608 (2018) (the noise level as a channel).

use core::ops::Range;

use crate::kernel::convolve::{Packed, Sheets, WINDOW, convolve, owed};
use crate::random::Stream;

/// Draws of first weights, set apart from other uses of the generator under the same seed.
const FIRST: u64 = 0x4E45_5457;

/// The sides of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Channels that it sees.
    pub inputs: usize,
    /// Channels within.
    pub channels: usize,
    /// Blocks of two layers.
    pub blocks: usize,
    /// Channels of each task's last layer.
    pub outputs: Vec<usize>,
}

/// Where a layer lies among a network's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What files call it.
    pub name: String,
    /// Channels that it takes.
    pub inputs: usize,
    /// Channels that it gives.
    pub outputs: usize,
    /// Its weights, `outputs x inputs x 3 x 3`.
    pub weights: Range<usize>,
    /// Its offsets, one per output.
    pub bias: Range<usize>,
}

impl Form {
    /// The layers in the order in which they lie: the first, two a block, one last per task.
    #[must_use]
    pub fn layers(&self) -> Vec<Layer> {
        let mut sides = vec![("first".to_owned(), self.inputs, self.channels)];
        for block in 0..self.blocks {
            sides.extend(
                ["a", "b"].map(|half| (format!("block.{block}.{half}"), self.channels, self.channels)),
            );
        }
        let last = |(at, outputs): (usize, &usize)| (format!("last.{at}"), self.channels, *outputs);
        sides.extend(self.outputs.iter().enumerate().map(last));
        let mut start = 0;
        let layer = |(name, inputs, outputs): (String, usize, usize)| {
            let weights = start..start + outputs * inputs * WINDOW;
            let bias = weights.end..weights.end + outputs;
            start = bias.end;
            Layer { name, inputs, outputs, weights, bias }
        };
        sides.into_iter().map(layer).collect()
    }

    /// How many numbers a network of this form has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layers().last().map_or(0, |layer| layer.bias.end)
    }

    /// Whether that is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How far a pixel of a result sees, in pixels of the input.
    #[must_use]
    pub fn reach(&self) -> usize {
        2 + 2 * self.blocks
    }
}

/// A network's form and its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    form: Form,
    numbers: Vec<f32>,
}

impl Network {
    /// A new one: normal weights by He et al. (ICCV 2015), a tenth of that at the end of a block, 0 in the last layers, so
    /// that what is not trained changes nothing.
    #[must_use]
    pub fn new(form: Form, seed: u64) -> Self {
        let mut draws = Stream::new(seed ^ (FIRST << 32), form.inputs as u32);
        let mut numbers = vec![0.0; form.len()];
        for layer in form.layers() {
            let spread = libm::sqrt(2.0 / (layer.inputs * WINDOW) as f64);
            let share = match layer.name.split('.').next_back() {
                _ if layer.name.starts_with("last") => 0.0,
                Some("b") => 0.1,
                _ => 1.0,
            };
            for number in &mut numbers[layer.weights] {
                *number = (share * spread * draws.normal()) as f32;
            }
        }
        Self { form, numbers }
    }

    /// Of its numbers, in the order of [`Form::layers`].
    ///
    /// # Panics
    /// Where there are more or fewer than the form has.
    #[must_use]
    pub fn of(form: Form, numbers: Vec<f32>) -> Self {
        assert_eq!(form.len(), numbers.len(), "as many numbers as the form has");
        Self { form, numbers }
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Its numbers, layer by layer.
    #[must_use]
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The same, to be changed.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// Ready to run for one task.
    ///
    /// # Panics
    /// Where there is no such task.
    #[must_use]
    pub fn ready(&self, task: usize) -> Ready {
        self.packed(task, Packed::forwards)
    }

    fn packed(&self, task: usize, pack: fn(&[f32], &[f32]) -> Packed) -> Ready {
        let layers = self.form.layers();
        let of = |at: usize| {
            let layer = &layers[at];
            pack(&self.numbers[layer.weights.clone()], &self.numbers[layer.bias.clone()])
        };
        let body = (0..self.form.blocks).map(|block| [of(1 + 2 * block), of(2 + 2 * block)]);
        Ready {
            channels: self.form.channels,
            outputs: self.form.outputs[task],
            first: of(0),
            body: body.collect(),
            last: of(1 + 2 * self.form.blocks + task),
        }
    }

    /// Ready to learn one task.
    ///
    /// # Panics
    /// Where there is no such task.
    #[must_use]
    pub fn lesson(&self, task: usize) -> Lesson {
        let (there, back) = (self.ready(task), self.packed(task, Packed::backwards));
        Lesson { form: self.form.clone(), task, there, back }
    }
}

/// A network as its loops take it, for one task.
#[derive(Clone, Debug)]
pub struct Ready {
    channels: usize,
    outputs: usize,
    first: Packed,
    body: Vec<[Packed; 2]>,
    last: Packed,
}

impl Ready {
    /// What it makes of its input.
    ///
    /// # Panics
    /// Where the input has other channels.
    #[must_use]
    pub fn run(&self, input: &Sheets) -> Sheets {
        let sheets = |channels: usize| Sheets::new(channels, input.height(), input.width());
        let [mut held, mut within, mut added] = [0; 3].map(|_| sheets(self.channels));
        convolve(&self.first, input, false, &mut held);
        for [a, b] in &self.body {
            convolve(a, &held, true, &mut within);
            convolve(b, &within, false, &mut added);
            held.add(&added);
        }
        let mut out = sheets(self.outputs);
        convolve(&self.last, &held, false, &mut out);
        out
    }
}

/// A network there and back, for one task.
#[derive(Clone, Debug)]
pub struct Lesson {
    form: Form,
    task: usize,
    there: Ready,
    back: Ready,
}

/// What a network's layers held on the way there; the way back needs it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Before each block, and after the last.
    held: Vec<Sheets>,
    /// Within each block.
    within: Vec<Sheets>,
}

impl Lesson {
    /// Runs the network; `judge` says how its error grows with each output; returned is how it grows with every number
    /// of the network.
    ///
    /// # Panics
    /// Where sizes do not agree.
    pub fn learn(&self, input: &Sheets, judge: impl FnOnce(&Sheets) -> Sheets) -> Vec<f32> {
        let (out, held) = self.there(input);
        let mut grown = vec![0.0; self.form.len()];
        self.back(input, &held, &judge(&out), &mut grown);
        grown
    }

    /// What the network makes of its input, and what it held.
    ///
    /// # Panics
    /// Where the input has other channels.
    #[must_use]
    pub fn there(&self, input: &Sheets) -> (Sheets, Held) {
        let (height, width) = (input.height(), input.width());
        let sheets = || Sheets::new(self.form.channels, height, width);
        let mut held = vec![sheets()];
        let mut within = Vec::with_capacity(self.form.blocks);
        convolve(&self.there.first, input, false, &mut held[0]);
        for (at, [a, b]) in self.there.body.iter().enumerate() {
            let (mut rectified, mut next) = (sheets(), sheets());
            convolve(a, &held[at], true, &mut rectified);
            convolve(b, &rectified, false, &mut next);
            next.add(&held[at]);
            within.push(rectified);
            held.push(next);
        }
        let mut out = Sheets::new(self.there.outputs, height, width);
        convolve(&self.there.last, &held[self.form.blocks], false, &mut out);
        (out, Held { held, within })
    }

    /// Adds to `grown` how the error grows with every number of the network, where `slope` says how it grows with each output.
    /// Returns how it grows with the first layer's outputs: what [`Self::owed_by`] takes.
    ///
    /// # Panics
    /// Where sizes do not agree.
    pub fn back(
        &self,
        input: &Sheets,
        Held { held, within }: &Held,
        slope: &Sheets,
        grown: &mut [f32],
    ) -> Sheets {
        let layers = self.form.layers();
        let mut owe = |layer: usize, from: &Sheets, slope: &Sheets| {
            let Layer { weights, bias, .. } = &layers[layer];
            let (before, after) = grown.split_at_mut(weights.end);
            owed(from, slope, &mut before[weights.start..], &mut after[..bias.len()]);
        };
        let sheets = || Sheets::new(self.form.channels, input.height(), input.width());
        owe(1 + 2 * self.form.blocks + self.task, &held[self.form.blocks], slope);
        let (mut back, mut inner, mut outer) = (sheets(), sheets(), sheets());
        convolve(&self.back.last, slope, false, &mut back);
        for block in (0..self.form.blocks).rev() {
            owe(2 + 2 * block, &within[block], &back);
            convolve(&self.back.body[block][1], &back, false, &mut inner);
            inner.gate(&within[block]);
            owe(1 + 2 * block, &held[block], &inner);
            convolve(&self.back.body[block][0], &inner, false, &mut outer);
            back.add(&outer);
        }
        owe(0, input, &back);
        back
    }

    /// How the error grows with each number of the input, of how it grows with the first layer's outputs.
    ///
    /// # Panics
    /// Where sizes do not agree.
    #[must_use]
    pub fn owed_by(&self, first: &Sheets) -> Sheets {
        let mut input = Sheets::new(self.form.inputs, first.height(), first.width());
        convolve(&self.back.first, first, false, &mut input);
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form { inputs: 2, channels: 5, blocks: 2, outputs: vec![4, 9] }
    }

    fn network() -> Network {
        let mut network = Network::new(form(), 3);
        let mut draws = Stream::new(8, 8);
        network.numbers_mut().iter_mut().for_each(|x| *x += 0.2 * draws.normal() as f32);
        network
    }

    fn input() -> Sheets {
        let mut input = Sheets::new(2, 6, 7);
        for (channel, y) in (0..2).flat_map(|channel| (0..6).map(move |y| (channel, y))) {
            for (x, to) in input.row_mut(channel, y).iter_mut().enumerate() {
                *to = libm::sinf((3 * y + 5 * x + 7 * channel) as f32);
            }
        }
        input
    }

    /// Half the sum of squares, and how it grows with each output.
    fn squares(out: &Sheets) -> (f64, Sheets) {
        let rows = (0..out.channels()).flat_map(|channel| (0..out.height()).map(move |y| (channel, y)));
        let sum =
            rows.flat_map(|(channel, y)| out.row(channel, y)).map(|x| f64::from(*x) * f64::from(*x)).sum();
        (0.5 * f64::max(sum, 0.0), out.clone())
    }

    #[test]
    fn a_new_network_changes_nothing() {
        let out = Network::new(form(), 3).ready(1).run(&input());
        assert_eq!((out.channels(), squares(&out).0), (9, 0.0));
    }

    #[test]
    fn slopes_are_those_of_small_differences() {
        let network = network();
        let grown = network.lesson(1).learn(&input(), |out| squares(out).1);
        for at in (0..network.numbers().len()).step_by(23) {
            let shifted = |by: f32| {
                let mut other = network.clone();
                other.numbers_mut()[at] += by;
                squares(&other.ready(1).run(&input())).0
            };
            let wanted = (shifted(1e-3) - shifted(-1e-3)) / 2e-3;
            let off = (f64::from(grown[at]) - wanted).abs();
            assert!(off < 1e-2 * wanted.abs() + 2e-2, "{at}: {} for {wanted}", grown[at]);
        }
    }

    #[test]
    fn slopes_of_the_input_are_those_of_small_differences() {
        let (network, input) = (network(), input());
        let lesson = network.lesson(1);
        let (out, held) = lesson.there(&input);
        let first = lesson.back(&input, &held, &squares(&out).1, &mut vec![0.0; network.numbers().len()]);
        let slope = lesson.owed_by(&first);
        for (channel, y, x) in [(0, 0, 0), (1, 3, 6), (0, 5, 2)] {
            let shifted = |by: f32| {
                let mut other = input.clone();
                other.row_mut(channel, y)[x] += by;
                squares(&network.ready(1).run(&other)).0
            };
            let wanted = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            let off = (f64::from(slope.row(channel, y)[x]) - wanted).abs();
            assert!(off < 1e-2 * wanted.abs() + 2e-2, "{}: {wanted}", slope.row(channel, y)[x]);
        }
    }

    #[test]
    fn layers_lie_one_after_the_other_without_a_gap() {
        let layers = form().layers();
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["first", "block.0.a", "block.0.b", "block.1.a", "block.1.b", "last.0", "last.1"]);
        let mut end = 0;
        for layer in layers {
            assert_eq!((layer.weights.start, layer.weights.end), (end, layer.bias.start));
            end = layer.bias.end;
        }
        assert_eq!(end, form().len());
    }
}
