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
/// What a column's first byte adds to the mixed column, once substituted; its other bytes add the same, turned by
/// their place. A noise has no secret, so that how long a look-up takes may depend on the byte.
static MIXED: [u32; 256] = mixed();

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
#[inline]
pub fn aes_round(state: [u32; 4], key: [u32; 4]) -> [u32; 4] {
    let bytes = state.map(u32::to_le_bytes);
    std::array::from_fn(|column| {
        let mixed =
            |row: usize| MIXED[usize::from(bytes[(column + row) % 4][row])].rotate_left(8 * row as u32);
        mixed(0) ^ mixed(1) ^ mixed(2) ^ mixed(3) ^ key[column]
    })
}

/// The last round: as the others, columns not mixed.
#[must_use]
#[inline]
pub fn aes_last_round(state: [u32; 4], key: [u32; 4]) -> [u32; 4] {
    let bytes = state.map(u32::to_le_bytes);
    std::array::from_fn(|column| {
        let shifted = std::array::from_fn(|row| SBOX[usize::from(bytes[(column + row) % 4][row])]);
        u32::from_le_bytes(shifted) ^ key[column]
    })
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

/// The matrix that mixes columns, its first column times each substituted byte (FIPS 197, section 5.1.3).
const fn mixed() -> [u32; 256] {
    let (sbox, mut table) = (sbox(), [0; 256]);
    let mut byte = 0;
    while byte < 256 {
        let once = sbox[byte];
        let twice = double(once);
        table[byte] = u32::from_le_bytes([twice, once, once, twice ^ once]);
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix B: round 1 whole, and round 10 as the last.
    #[test]
    fn the_rounds_are_those_of_the_standard() {
        let words = |bytes: u128| -> [u32; 4] {
            let bytes = bytes.to_be_bytes();
            std::array::from_fn(|word| u32::from_le_bytes(std::array::from_fn(|row| bytes[4 * word + row])))
        };
        let [first, second] =
            [0x193d_e3be_a0f4_e22b_9ac6_8d2a_e9f8_4808, 0xa49c_7ff2_689f_352b_6b5b_ea43_026a_5049].map(words);
        assert_eq!(aes_round(first, words(0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605)), second);
        let [last, out] =
            [0xeb40_f21e_592e_3884_8ba1_13e7_1bc3_42d2, 0x3925_841d_02dc_09fb_dc11_8597_196a_0b32].map(words);
        assert_eq!(aes_last_round(last, words(0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6)), out);
    }

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
