//! Huffman tables and entropy-coded bits of a sequential JPEG picture, walked block by block.

use super::entropy::Damage;

/// Bits looked up at once; longer codes are rare and walked.
const LOOKUP: u32 = 9;

/// A Huffman table (T.81, annex C and F.2.2.3).
pub(super) struct Huffman {
    /// For the next [`LOOKUP`] bits: code length * 256 + value, 0 where the code is longer.
    lookup: [u16; 1 << LOOKUP],
    /// For each length the first code past the last, aligned to 16 bits; 0 where there is none.
    ends: [u32; 17],
    /// For each length: index of its first value minus its first code.
    offsets: [i32; 17],
    values: [u8; 256],
}

impl Huffman {
    /// The table with `counts[n]` codes of `n + 1` bits; `None` where they do not form a code.
    pub fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table = Self { lookup: [0; 1 << LOOKUP], ends: [0; 17], offsets: [0; 17], values: [0; 256] };
        table.values.get_mut(..values.len())?.copy_from_slice(values);
        let (mut code, mut index) = (0_u32, 0_u32);
        for (length, &count) in (1_u32..).zip(counts) {
            let count = u32::from(count);
            if code + count > 1 << length {
                return None;
            }
            table.offsets[length as usize] = index.cast_signed() - code.cast_signed();
            for step in 0..count {
                if length <= LOOKUP {
                    let from = ((code + step) << (LOOKUP - length)) as usize;
                    let value = (length << 8) as u16 | u16::from(values[(index + step) as usize]);
                    table.lookup[from..from + (1 << (LOOKUP - length))].fill(value);
                }
            }
            code += count;
            index += count;
            table.ends[length as usize] = if count > 0 { code << (16 - length) } else { 0 };
            code <<= 1;
        }
        Some(table)
    }

    /// Length and value of the code at the top of `next` (16 bits).
    fn find(&self, next: u32) -> Option<(u32, u8)> {
        let short = self.lookup[(next >> (16 - LOOKUP)) as usize];
        if short != 0 {
            return Some((u32::from(short >> 8), (short & 255) as u8));
        }
        let length = (LOOKUP + 1..=16).find(|&length| next < self.ends[length as usize])?;
        let index = (next >> (16 - length)).cast_signed() + self.offsets[length as usize];
        Some((length, *self.values.get(usize::try_from(index).ok()?)?))
    }
}

/// The bits of entropy-coded data up to the next marker.
pub(super) struct Bits<'a> {
    jpeg: &'a [u8],
    /// The byte that is read next.
    pub at: usize,
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// The entropy-coded data of `jpeg` that starts at byte `at`.
    pub fn new(jpeg: &'a [u8], at: usize) -> Self {
        Self { jpeg, at, buffer: 0, count: 0 }
    }

    fn damage(&self, problem: &'static str) -> Damage {
        Damage { problem, at: self.at }
    }

    /// Fills the buffer as far as the data goes.
    fn refill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.jpeg.get(self.at) else { return };
            if byte == 0xFF {
                if self.jpeg.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn code(&mut self, table: &Huffman) -> Result<u8, Damage> {
        if self.count < 32 {
            self.refill();
        }
        let next = if self.count >= 16 {
            self.buffer >> (self.count - 16)
        } else {
            self.buffer << (16 - self.count)
        };
        let (length, value) = table
            .find((next & 0xFFFF) as u32)
            .ok_or_else(|| self.damage("a Huffman code that is in no table"))?;
        self.drop_bits(length)?;
        Ok(value)
    }

    fn drop_bits(&mut self, bits: u32) -> Result<(), Damage> {
        self.count =
            self.count.checked_sub(bits).ok_or_else(|| self.damage("a scan ends before its last block"))?;
        Ok(())
    }

    /// The next `size` bits as a coefficient (T.81, F.2.2.1).
    fn value(&mut self, size: u32) -> Result<i32, Damage> {
        self.drop_bits(size)?;
        let bits = ((self.buffer >> self.count) as u32 & ((1 << size) - 1)).cast_signed();
        Ok(if size > 0 && bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits })
    }

    /// Walks one block (T.81, F.2.2) with the quantisation steps `steps` in zigzag order; `level` is the
    /// component's last DC value.
    pub fn block(
        &mut self,
        dc: &Huffman,
        ac: &Huffman,
        steps: &[u16; 64],
        level: &mut i32,
    ) -> Result<(), Damage> {
        let size = self.code(dc)?;
        if size > 11 {
            return Err(self.damage("a DC difference of more than 11 bits"));
        }
        *level += self.value(u32::from(size))?;
        self.in_range(*level, steps[0])?;
        let mut coefficient = 1;
        while coefficient < 64 {
            let (run, size) = match self.code(ac)? {
                0 => return Ok(()),
                0xF0 => (16, 0),
                code => (code >> 4, code & 15),
            };
            coefficient += usize::from(run);
            if size == 0 && run < 16 || size > 10 || coefficient > 64 - usize::from(size > 0) {
                return Err(self.damage("a coefficient past the end of its block"));
            }
            if size > 0 {
                let value = self.value(u32::from(size))?;
                self.in_range(value, steps[coefficient])?;
                coefficient += 1;
            }
        }
        Ok(())
    }

    /// The cosine transform of 8-bit samples lies within 1024 of zero; rounding to steps adds less than one.
    fn in_range(&self, value: i32, step: u16) -> Result<(), Damage> {
        let step = u32::from(step);
        if value.unsigned_abs().saturating_mul(step) <= 1_024 + step {
            return Ok(());
        }
        Err(self.damage("a coefficient that no picture has"))
    }

    /// Checks that only padding is left before the marker, and stands on the marker.
    pub fn finish(&mut self) -> Result<(), Damage> {
        self.refill();
        if self.count >= 8 {
            return Err(self.damage("a scan goes on after its last block"));
        }
        self.count = 0;
        Ok(())
    }

    /// Steps over restart marker `number`.
    pub fn restart(&mut self, number: usize) -> Result<(), Damage> {
        while self.jpeg.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        if self.jpeg.get(self.at + 1).map(|&code| usize::from(code)) != Some(0xD0 + number) {
            return Err(self.damage("a restart marker is missing"));
        }
        self.at += 2;
        Ok(())
    }
}
