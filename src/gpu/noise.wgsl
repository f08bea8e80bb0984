// The noise of four neighbouring sites: the generator of src/kernel/ars.rs and the normals of src/kernel/noise.rs.
//
// Rounds of AES are made by a table of 256 words: what a byte becomes when it is substituted and its column mixed. A
// byte of another row takes the same word turned by as many bytes. `src/gpu/tests.rs` holds the words to the bit.

// What one step is made of; `Record` of src/gpu/record.rs writes it.
struct Record {
    // Columns, rows, groups of four columns in a row, and the band.
    sheet: vec4<u32>,
    // The tick's two words, the noise's lane, and FLAGS.
    key: vec4<u32>,
    // Weights of a site and of its neighbours in the spread, of the drive, and where saturation is held.
    spread: vec4<f32>,
    pull: vec4<f32>,
    noise: array<vec4<f32>, 2>,
    cascade: vec4<f32>,
    rounds: array<vec4<u32>, 6>,
}

const ROUNDS: u32 = 5u;
// 1.5 2^23 and the bit that centres the fill.
const FLOAT: u32 = 0x4B400001u;
const FILL: u32 = 0x3Eu;
const WEIGHT: u32 = 64u;
const SCALE: f32 = 0.00006103515625;
// (1.5 2^23 + 32,640 + 32) SCALE and (1.5 2^23 - 32,640 + 32) SCALE: both exact.
const CENTRES: vec2<f32> = vec2<f32>(769.994140625, 766.009765625);

@group(0) @binding(0) var<uniform> record: Record;
// The table of rounds, then the band of every column's sustained drive.
@group(0) @binding(1) var<storage, read> constants: array<u32>;

var<workgroup> table: array<u32, 256>;

fn turned(word: u32, bits: u32) -> u32 {
    return (word << bits) | (word >> (32u - bits));
}

fn mixed(a: u32, b: u32, c: u32, d: u32, key: u32) -> u32 {
    return table[a & 255u]
        ^ turned(table[(b >> 8u) & 255u], 8u)
        ^ turned(table[(c >> 16u) & 255u], 16u)
        ^ turned(table[d >> 24u], 24u)
        ^ key;
}

// The substituted byte stands alone in the table's second byte.
fn substituted(a: u32, b: u32, c: u32, d: u32, key: u32) -> u32 {
    let first = (table[a & 255u] >> 8u) & 0xFFu;
    let second = table[(b >> 8u) & 255u] & 0xFF00u;
    let third = (table[(c >> 16u) & 255u] << 8u) & 0xFF0000u;
    let fourth = (table[d >> 24u] << 16u) & 0xFF000000u;
    return (first | second | third | fourth) ^ key;
}

fn words(block: u32) -> vec4<u32> {
    var s = vec4<u32>(block, record.key.z, record.key.x, record.key.y) ^ record.rounds[0];
    for (var round = 1u; round < ROUNDS; round++) {
        let key = record.rounds[round];
        s = vec4<u32>(
            mixed(s.x, s.y, s.z, s.w, key.x),
            mixed(s.y, s.z, s.w, s.x, key.y),
            mixed(s.z, s.w, s.x, s.y, key.z),
            mixed(s.w, s.x, s.y, s.z, key.w),
        );
    }
    let key = record.rounds[ROUNDS];
    return vec4<u32>(
        substituted(s.x, s.y, s.z, s.w, key.x),
        substituted(s.y, s.z, s.w, s.x, key.y),
        substituted(s.z, s.w, s.x, s.y, key.z),
        substituted(s.w, s.x, s.y, s.z, key.w),
    );
}

// Both words of four sites: a row has eight blocks for sixteen sites.
fn words_of(row: u32, group: u32) -> array<vec4<u32>, 2> {
    let sixteens = (record.sheet.x + 15u) / 16u;
    let block = (row * sixteens + group / 4u) * 8u + group % 4u;
    return array<vec4<u32>, 2>(words(block), words(block + 4u));
}

fn sum_of_bytes(word: vec4<u32>) -> vec4<u32> {
    let low = vec4<u32>(0x00FF00FFu);
    let pairs = (word & low) + ((word >> vec4<u32>(8u)) & low);
    return (pairs & vec4<u32>(0xFFFFu)) + (pairs >> vec4<u32>(16u));
}

fn shaped(sum: vec4<u32>, centre: f32) -> vec4<f32> {
    let s = fma(bitcast<vec4<f32>>(sum), vec4<f32>(SCALE), vec4<f32>(-centre));
    let u = s * s;
    let low = record.noise[0];
    let high = record.noise[1];
    var p = fma(vec4<f32>(high.y), u, vec4<f32>(high.x));
    p = fma(p, u, vec4<f32>(low.w));
    p = fma(p, u, vec4<f32>(low.z));
    p = fma(p, u, vec4<f32>(low.y));
    p = fma(p, u, vec4<f32>(low.x));
    return s * p;
}

fn noise_of(row: u32, group: u32) -> Quad {
    let pair = words_of(row, group);
    let fill = vec4<u32>(FILL);
    let first = ((pair[1] & fill) | vec4<u32>(FLOAT)) + sum_of_bytes(pair[0]) * WEIGHT;
    let second = ((pair[0] & fill) | vec4<u32>(FLOAT)) - sum_of_bytes(pair[1]) * WEIGHT;
    return Quad(shaped(first, CENTRES.x), shaped(second, CENTRES.y));
}
