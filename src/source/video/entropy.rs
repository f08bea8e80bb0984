//! Walks a JPEG file's segments and Huffman codes without making a picture, to tell whether it is whole.
//!
//! A decoder that shows something for damaged data serves a viewer of photographs; a camera's stream
//! must not show what was never there. `zune-jpeg` fills up what is missing after an early end marker,
//! after a lost restart marker and in the last rows. This walk counts every block of a sequential picture
//! (ITU-T T.81, annexes F and B), and refuses what does not end with its last block: an unknown code, a run
//! past the 64th coefficient, a coefficient that no 8-bit picture has, too few or too many bits before a
//! marker, markers out of order. What changes coefficients within their range and leaves the count of blocks
//! whole, nobody can know: Huffman codes soon fall into step again.
//! Of a progressive picture only the segments and the end are checked here.

use super::huffman::{Bits, Huffman};

/// What is wrong, and at which byte of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// The problem.
    pub problem: &'static str,
    /// The byte, from the picture's first.
    pub at: usize,
}

/// What the walk saw of a whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes that a decoder needs to keep all coefficients at once: 0 for a single scan.
    pub coefficient_bytes: usize,
    /// The byte after the end marker.
    pub end: usize,
    /// The steps by which luma was rounded, in the file's order; `None` where the first component is not luma, or is
    /// smaller than the picture.
    pub luma_steps: Option<[u16; 64]>,
}

/// Walks `jpeg`, which carries its Huffman tables.
///
/// # Errors
/// The first damage.
pub(super) fn survey(jpeg: &[u8]) -> Result<Survey, Damage> {
    let mut walk = Walk::new(jpeg);
    if !jpeg.starts_with(&[0xFF, 0xD8]) {
        return Err(Damage { problem: "no start marker", at: 0 });
    }
    loop {
        match walk.marker()? {
            0xD9 => return walk.finish(),
            0xC0..=0xC2 => walk.frame(jpeg[walk.at - 1] == 0xC2)?,
            0xC4 => walk.huffman()?,
            0xDA => walk.scan()?,
            0xDD => walk.restart_interval()?,
            0xDB => walk.quantisation()?,
            0xEE => {
                let content = walk.segment()?;
                // Adobe's mark: the last byte tells whether colours were turned into luma and chroma.
                walk.untouched |= content.starts_with(b"Adobe") && content.get(11) == Some(&0);
            }
            0xE0..=0xEF | 0xFE => {
                walk.segment()?;
            }
            0xC3 | 0xC5..=0xCF => {
                return Err(walk.damage("a coding that is not read (lossless or arithmetic)"));
            }
            _ => return Err(walk.damage("a marker where none belongs")),
        }
    }
}

/// A component of the picture.
#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
    steps: usize,
    seen: bool,
}

struct Walk<'a> {
    jpeg: &'a [u8],
    at: usize,
    size: Option<(usize, usize)>,
    progressive: bool,
    components: Vec<Component>,
    dc: [Option<Box<Huffman>>; 4],
    ac: [Option<Box<Huffman>>; 4],
    /// Quantisation steps in zigzag order.
    steps: [Option<Box<[u16; 64]>>; 4],
    restart: usize,
    scans: usize,
    /// Whether the components are red, green and blue as they were.
    untouched: bool,
}

impl<'a> Walk<'a> {
    fn new(jpeg: &'a [u8]) -> Self {
        Self {
            jpeg,
            at: 2,
            size: None,
            progressive: false,
            components: Vec::new(),
            dc: Default::default(),
            ac: Default::default(),
            steps: Default::default(),
            restart: 0,
            scans: 0,
            untouched: false,
        }
    }

    fn damage(&self, problem: &'static str) -> Damage {
        Damage { problem, at: self.at }
    }

    /// Steps over the next marker and gives its code.
    fn marker(&mut self) -> Result<u8, Damage> {
        if self.jpeg.get(self.at).is_some_and(|&byte| byte != 0xFF) {
            return Err(self.damage("no marker where one belongs"));
        }
        while self.jpeg.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let code = *self.jpeg.get(self.at).ok_or_else(|| self.damage("it ends without its end marker"))?;
        self.at += 1;
        Ok(code)
    }

    /// Steps over the segment that starts here and gives its content.
    fn segment(&mut self) -> Result<&'a [u8], Damage> {
        let ends = self.damage("it ends within a segment");
        let length = self.jpeg.get(self.at..self.at + 2).ok_or(ends)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let content = self.jpeg.get(self.at + 2..self.at + length.max(2)).ok_or(ends)?;
        self.at += length.max(2);
        if length < 2 { Err(self.damage("a segment shorter than its length")) } else { Ok(content) }
    }

    fn frame(&mut self, progressive: bool) -> Result<(), Damage> {
        let segment = self.segment()?;
        let bad = self.damage("a frame header that does not hold together");
        let (&[precision, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>().ok_or(bad)?;
        if self.size.is_some() || rest.len() != 3 * usize::from(count) || !(1..=4).contains(&count) {
            return Err(bad);
        }
        if precision != 8 {
            return Err(self.damage("samples of other than 8 bits"));
        }
        self.size =
            Some((usize::from(u16::from_be_bytes([w1, w0])), usize::from(u16::from_be_bytes([h1, h0]))));
        self.progressive = progressive;
        for part in rest.chunks_exact(3) {
            let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return Err(bad);
            }
            self.components.push(Component {
                id: part[0],
                across,
                down,
                steps: usize::from(part[2]),
                seen: false,
            });
        }
        if self.size.is_some_and(|(width, height)| width == 0 || height == 0) { Err(bad) } else { Ok(()) }
    }

    fn huffman(&mut self) -> Result<(), Damage> {
        let mut rest = self.segment()?;
        let bad = self.damage("a Huffman table that does not hold together");
        while let Some((&class, after)) = rest.split_first() {
            let (counts, after) = after.split_first_chunk::<16>().ok_or(bad)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let values = after.get(..total).ok_or(bad)?;
            let slot = usize::from(class & 15);
            let tables = match class >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(bad),
            };
            *tables.get_mut(slot).ok_or(bad)? = Some(Box::new(Huffman::new(counts, values).ok_or(bad)?));
            rest = &after[total..];
        }
        Ok(())
    }

    fn quantisation(&mut self) -> Result<(), Damage> {
        let mut rest = self.segment()?;
        let bad = self.damage("a quantisation table that does not hold together");
        while let Some((&class, after)) = rest.split_first() {
            let wide = usize::from(class >> 4);
            let values = after.get(..64 << wide.min(1)).filter(|_| wide < 2).ok_or(bad)?;
            let mut steps = Box::new([0; 64]);
            for (step, value) in steps.iter_mut().zip(values.chunks_exact(1 << wide)) {
                *step = value.iter().fold(0, |step, &byte| step << 8 | u16::from(byte));
            }
            if steps.contains(&0) {
                return Err(bad);
            }
            *self.steps.get_mut(usize::from(class & 15)).ok_or(bad)? = Some(steps);
            rest = &after[values.len()..];
        }
        Ok(())
    }

    fn restart_interval(&mut self) -> Result<(), Damage> {
        let &[high, low] = self.segment()? else {
            return Err(self.damage("a restart interval that is not a number"));
        };
        self.restart = usize::from(u16::from_be_bytes([high, low]));
        Ok(())
    }

    fn scan(&mut self) -> Result<(), Damage> {
        let header = self.segment()?;
        let bad = self.damage("a scan header that does not fit the frame");
        let (&count, rest) = header.split_first().ok_or(bad)?;
        let count = usize::from(count);
        if self.size.is_none() || !(1..=4).contains(&count) || rest.len() != 2 * count + 3 {
            return Err(bad);
        }
        self.scans += 1;
        let mut parts = Vec::with_capacity(count);
        for pair in rest[..2 * count].chunks_exact(2) {
            let index = self.components.iter().position(|part| part.id == pair[0]).ok_or(bad)?;
            if self.components[index].seen && !self.progressive {
                return Err(bad);
            }
            self.components[index].seen = true;
            parts.push((index, usize::from(pair[1] >> 4), usize::from(pair[1] & 15)));
        }
        if self.progressive {
            self.skip_entropy();
            return Ok(());
        }
        self.blocks(&parts)
    }

    /// Moves to the next marker that is neither a stuffed byte nor a restart.
    fn skip_entropy(&mut self) {
        while let Some(pair) = self.jpeg.get(self.at..self.at + 2) {
            if pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF) {
                return;
            }
            self.at += 1;
        }
        self.at = self.jpeg.len();
    }

    /// Walks the blocks of a sequential scan of `parts` (component, DC table, AC table).
    fn blocks(&mut self, parts: &[(usize, usize, usize)]) -> Result<(), Damage> {
        let missing = self.damage("a Huffman or quantisation table is missing");
        let mut plan = Vec::new();
        for (slot, &(index, dc, ac)) in parts.iter().enumerate() {
            let dc = self.dc.get(dc).and_then(Option::as_deref).ok_or(missing)?;
            let ac = self.ac.get(ac).and_then(Option::as_deref).ok_or(missing)?;
            let part = self.components[index];
            let steps = self.steps.get(part.steps).and_then(Option::as_deref).ok_or(missing)?;
            let blocks = if parts.len() == 1 { 1 } else { part.across * part.down };
            plan.extend(std::iter::repeat_n((slot, dc, ac, steps), blocks));
        }
        let mut bits = Bits::new(self.jpeg, self.at);
        let mut levels = [0; 4];
        for unit in 0..self.units(parts) {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.finish()?;
                bits.restart((unit / self.restart - 1) % 8)?;
                levels = [0; 4];
            }
            for &(slot, dc, ac, steps) in &plan {
                bits.block(dc, ac, steps, &mut levels[slot])?;
            }
        }
        bits.finish()?;
        self.at = bits.at;
        Ok(())
    }

    /// Coded units of a scan of `parts` (T.81, A.2).
    fn units(&self, parts: &[(usize, usize, usize)]) -> usize {
        let (width, height) = self.size.unwrap_or_default();
        let most_across = self.components.iter().map(|part| part.across).max().unwrap_or(1);
        let most_down = self.components.iter().map(|part| part.down).max().unwrap_or(1);
        if let [(index, ..)] = parts {
            let part = self.components[*index];
            let columns = (width * part.across).div_ceil(most_across).div_ceil(8);
            return columns * (height * part.down).div_ceil(most_down).div_ceil(8);
        }
        width.div_ceil(8 * most_across) * height.div_ceil(8 * most_down)
    }

    /// The table of the first component, where that is luma in the picture's size.
    fn luma_steps(&self) -> Option<[u16; 64]> {
        let (first, others) = self.components.split_first()?;
        let full = others.iter().all(|part| part.across <= first.across && part.down <= first.down);
        let colours = self.components.iter().map(|part| part.id).eq(*b"RGB") || self.untouched;
        let luma = others.is_empty() || (others.len() == 2 && full && !colours);
        self.steps.get(first.steps)?.as_deref().copied().filter(|_| luma)
    }

    fn finish(&self) -> Result<Survey, Damage> {
        let (width, height) = self.size.ok_or_else(|| self.damage("it ends before its frame header"))?;
        if !self.components.iter().all(|part| part.seen) {
            return Err(self.damage("a component is missing"));
        }
        let areas: usize = self.components.iter().map(|part| part.across * part.down).sum();
        let unit = self.components.iter().map(|part| part.across).max().unwrap_or(1)
            * self.components.iter().map(|part| part.down).max().unwrap_or(1);
        let coefficient_bytes = if self.scans > 1 { 2 * width * height * areas / unit } else { 0 };
        Ok(Survey { width, height, coefficient_bytes, end: self.at, luma_steps: self.luma_steps() })
    }
}
