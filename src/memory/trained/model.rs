//! The trained renderer's two networks: one enlarges, one takes noise away.

use super::network::{Form, Network};

/// What a network of the model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Finds what a bicubic enlargement by this factor misses: 2, 3 or 4.
    Grow(usize),
    /// Finds the noise, its sign turned.
    Clean,
}

/// The scales that it enlarges by.
pub const SCALES: [usize; 3] = [2, 3, 4];
/// Pixels of a noisy picture in a row and in a column that are one site of the network.
pub const NOISE_SIDE: usize = 2;

/// The sides of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Channels within, 4 to 256.
    pub channels: usize,
    /// Blocks of two layers, 1 to 32.
    pub blocks: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { channels: 32, blocks: 5 }
    }
}

/// Both networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    size: Size,
    /// The enlarger, then the denoiser.
    networks: [Network; 2],
}

impl Model {
    /// The forms of both networks.
    #[must_use]
    pub fn forms(size: Size) -> [Form; 2] {
        let Size { channels, blocks } = size;
        let count = NOISE_SIDE * NOISE_SIDE;
        [
            Form { inputs: 1, channels, blocks, outputs: SCALES.map(|scale| scale * scale).to_vec() },
            Form { inputs: count + 1, channels, blocks, outputs: vec![count] },
        ]
    }

    /// One that changes nothing yet.
    #[must_use]
    pub fn new(size: Size, seed: u64) -> Self {
        Self { size, networks: Self::forms(size).map(|form| Network::new(form, seed)) }
    }

    /// Of the numbers of both networks.
    ///
    /// # Panics
    /// Where there are more or fewer than the forms have.
    #[must_use]
    pub fn of(size: Size, numbers: [Vec<f32>; 2]) -> Self {
        let [grow, clean] = Self::forms(size);
        let [first, second] = numbers;
        Self { size, networks: [Network::of(grow, first), Network::of(clean, second)] }
    }

    /// Its sides.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Both networks: the enlarger, then the denoiser.
    #[must_use]
    pub fn networks(&self) -> &[Network; 2] {
        &self.networks
    }

    /// The same, to be changed.
    pub fn networks_mut(&mut self) -> &mut [Network; 2] {
        &mut self.networks
    }
}

impl Job {
    /// Which network does it, and which of its tasks it is.
    ///
    /// # Panics
    /// Where the scale is none of [`SCALES`].
    #[must_use]
    pub fn place(self) -> (usize, usize) {
        match self {
            Self::Grow(scale) => {
                (0, SCALES.iter().position(|one| *one == scale).expect("a scale of the model"))
            }
            Self::Clean => (1, 0),
        }
    }
}
