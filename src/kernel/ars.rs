//! ARS: counter-based random words from rounds of AES; any draw, in any order, on any thread.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.1; the
//! rounds are those of FIPS 197. The paper finds no flaw with 5 rounds or more by the batteries of `TestU01`.
//! Processors do a round in one instruction; the code here says what it does, and runs where there is none.

/// Rounds of the generator.
pub const ROUNDS: usize = 5;
/// The key's increments from round to round: golden ratio and sqrt(3) - 1 (paper, section 4.3), as 64-bit words.
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
/// The substitution of bytes (FIPS 197, section 5.1.1).
static SBOX: [u8; 256] = sbox();

/// The keys of every round, the first one included.
#[must_use]
pub fn round_keys<const KEYS: usize>(key: [u32; 4]) -> [[u32; 4]; KEYS] {
    let wide = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    let mut halves = [wide(key[0], key[1]), wide(key[2], key[3])];
    std::array::from_fn(|_| {
        let [a, b] = halves;
        halves = [a.wrapping_add(WEYL[0]), b.wrapping_add(WEYL[1])];
        [a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32]
    })
}

/// The four words that belong to `counter`; one round fewer than there are keys.
#[must_use]
pub fn words<const KEYS: usize>(counter: [u32; 4], keys: &[[u32; 4]; KEYS]) -> [u32; 4] {
    let mut state: [u32; 4] = std::array::from_fn(|word| counter[word] ^ keys[0][word]);
    for key in &keys[1..KEYS - 1] {
        state = aes_round(state, *key);
    }
    aes_last_round(state, keys[KEYS - 1])
}

/// A whole round: bytes substituted, rows shifted, columns mixed, key added.
#[must_use]
pub fn aes_round(state: [u32; 4], key: [u32; 4]) -> [u32; 4] {
    let columns = substitute_and_shift(state);
    std::array::from_fn(|column| {
        let [a, b, c, d] = columns[column];
        let mixed = |p: u8, q: u8, r: u8, s: u8| double(p) ^ double(q) ^ q ^ r ^ s;
        let bytes = [mixed(a, b, c, d), mixed(b, c, d, a), mixed(c, d, a, b), mixed(d, a, b, c)];
        u32::from_le_bytes(bytes) ^ key[column]
    })
}

/// The last round: as the others, columns not mixed.
#[must_use]
pub fn aes_last_round(state: [u32; 4], key: [u32; 4]) -> [u32; 4] {
    let columns = substitute_and_shift(state);
    std::array::from_fn(|column| u32::from_le_bytes(columns[column]) ^ key[column])
}

fn substitute_and_shift(state: [u32; 4]) -> [[u8; 4]; 4] {
    let bytes = state.map(u32::to_le_bytes);
    std::array::from_fn(|column| std::array::from_fn(|row| SBOX[usize::from(bytes[(column + row) % 4][row])]))
}

/// Twice a byte in the field of 256 elements (FIPS 197, section 4.2.1).
const fn double(a: u8) -> u8 {
    (a << 1) ^ (0x1B * (a >> 7))
}

/// The table from its definition: inverse in the field of 256 elements, then the affine map.
const fn sbox() -> [u8; 256] {
    let mut table = [0x63; 256];
    // `p` runs through the powers of 3, `q` through those of its inverse.
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        p ^= double(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        q ^= 0x09 * (q >> 7);
        table[p as usize] =
            q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        if p == 1 {
            return table;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kat_vectors` of Random123 1.14 for ars4x32, 10 rounds.
    #[test]
    fn ten_rounds_give_the_published_answers() {
        let known = [
            ([0; 4], [0; 4], [0x8d73_ee19, 0x5064_01ef, 0x13c2_dbe4, 0x0cbe_9c0d]),
            ([u32::MAX; 4], [u32::MAX, u32::MAX, 0, 0], [0xbb37_43b1, 0x9f63_5551, 0xecbc_87fc, 0xa194_78a9]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0, 0x082e_fa98, 0xec4e_6c89],
                [0xa516_e7d6, 0x8357_ad74, 0x5b59_b3ec, 0x8763_fff3],
            ),
        ];
        for (counter, key, answer) in known {
            assert_eq!(words::<11>(counter, &round_keys(key)), answer);
        }
    }
}
