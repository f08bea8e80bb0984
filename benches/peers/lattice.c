// The lattice's step as a C programmer would write it: rows in place, auto-vectorised, one thread.
//
// Noise by one of two ways, chosen when compiled:
//   -DCHEAP  a 32-bit hash of the site and the sum of its bytes, made normal by an odd polynomial
//   -DSAME   the words and the normals of src/kernel/ars.rs and src/kernel/noise.rs, by AVX-512 with VAES and VNNI
// Commands on standard input, as in peer.py: open MODEL STATE, run STEPS, write STATE.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined SAME
#if !(defined __AVX512F__ && defined __AVX512VNNI__ && defined __VAES__)
#error "this processor has no AVX-512 with VAES and VNNI"
#endif
#include <immintrin.h>
#endif

enum { BANDS = 8, PAD = 16, MOST = 4096 };

typedef struct {
    float centre, spread, ceiling, pull0, pull1, pull2, noise, cascade;
} Band;

static Band bands[BANDS];
static int side;
static uint64_t tick;
// Row by row, in each row every band, of each band the real and the imaginary part: one stream to prefetch.
static float *sheet;
// What the rows above, here and of the very first row were before the step, with the torus closed at both ends.
static float old[BANDS][2][2][MOST + 2 * PAD], first[BANDS][2][MOST];

static inline float *row(int y, int band, int part) {
    return sheet + ((size_t)(y * BANDS + band) * 2 + part) * side;
}

static inline float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

#if defined SAME
enum { ROUNDS = 5, TERMS = 6, BLOCKS = 8 };
typedef struct { __m512i keys[ROUNDS + 1]; } Noise;
static uint64_t seed = 1;
static _Alignas(64) float drawn[2][MOST];

// Round keys: the seed and this noise's own mark, stepped by the generator's Weyl constants.
static Noise noise_keys(void) {
    Noise noise;
    uint64_t low = seed, high = 0x4C4154546E6F6973;
    for (int k = 0; k <= ROUNDS; k++, low += 0x9E3779B97F4A7C15, high += 0xBB67AE8584CAA73B)
        noise.keys[k] = _mm512_broadcast_i32x4(_mm_set_epi64x((long long)high, (long long)low));
    return noise;
}

static inline __m512 shaped(__m512i sum, float centre, const __m512 *p) {
    __m512 s = _mm512_fmsub_ps(_mm512_castsi512_ps(sum), _mm512_set1_ps(1.0f / 16384), _mm512_set1_ps(centre));
    __m512 u = _mm512_mul_ps(s, s), q = p[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--) q = _mm512_fmadd_ps(q, u, p[k]);
    return _mm512_mul_ps(s, q);
}

static void draw(const Noise *noise, int y, int band, float amplitude) {
    static const double terms[TERMS] = {1.6361132330759944,  0.242057314337257,    -0.3095578935792879,
                                        0.2208130495940005,  -0.0674317787662012,  0.008044049208300484};
    __m512 p[TERMS];
    for (int k = 0; k < TERMS; k++) p[k] = _mm512_set1_ps((float)(terms[k] * (double)amplitude));
    uint32_t block = (uint32_t)y * (uint32_t)((side + 15) / 16 * BLOCKS);
    __m512i counter = _mm512_broadcast_i32x4(
        _mm_set_epi32((int)(tick >> 32), (int)tick, band, (int)block));
    counter = _mm512_add_epi32(counter, _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
    const __m512i half = _mm512_broadcast_i32x4(_mm_set_epi32(0, 0, 0, BLOCKS / 2));
    const __m512i fill = _mm512_set1_epi32(0x3E), number = _mm512_set1_epi32(0x4B400001);
    const float middle[2] = {(12582912.0f + 32640.0f + 32.0f) / 16384, (12582912.0f - 32640.0f + 32.0f) / 16384};
    for (int x = 0; x < side; x += 16) {
        __m512i a = _mm512_xor_si512(counter, noise->keys[0]);
        counter = _mm512_add_epi32(counter, half);
        __m512i b = _mm512_xor_si512(counter, noise->keys[0]);
        counter = _mm512_add_epi32(counter, half);
        for (int k = 1; k < ROUNDS; k++) {
            a = _mm512_aesenc_epi128(a, noise->keys[k]);
            b = _mm512_aesenc_epi128(b, noise->keys[k]);
        }
        a = _mm512_aesenclast_epi128(a, noise->keys[ROUNDS]);
        b = _mm512_aesenclast_epi128(b, noise->keys[ROUNDS]);
        __m512i to_a = _mm512_ternarylogic_epi32(b, fill, number, 0xEA);
        __m512i to_b = _mm512_ternarylogic_epi32(a, fill, number, 0xEA);
        to_a = _mm512_dpbusd_epi32(to_a, a, _mm512_set1_epi8(64));
        to_b = _mm512_dpbusd_epi32(to_b, b, _mm512_set1_epi8(-64));
        _mm512_store_ps(drawn[0] + x, shaped(to_a, middle[0], p));
        _mm512_store_ps(drawn[1] + x, shaped(to_b, middle[1], p));
    }
}
#define PREPARE(y, b) draw(&noise, y, b, band.noise)
#define DRAW(x) float noise_re = drawn[0][x], noise_im = drawn[1][x];
#else
typedef struct { uint32_t tick; } Noise;

static inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x21f0aaadu;
    x ^= x >> 15;
    x *= 0x735a2d97u;
    return x ^ (x >> 15);
}

static Noise noise_keys(void) { return (Noise){mix((uint32_t)tick + 0x9E3779B9u)}; }

// Four bytes summed, their mean taken away, and an odd polynomial fitted to that law: variance 1, kurtosis 3.
static inline float normal(uint32_t word, float amplitude) {
    uint32_t pairs = (word & 0xff00ffu) + ((word >> 8) & 0xff00ffu);
    float s = (float)((int)((pairs & 0xffffu) + (pairs >> 16)) - 510), u = s * s;
    return amplitude * s * (6.46848e-3f + u * (6.35269e-9f + u * (-4.5321e-14f + u * 2.6615e-19f)));
}
#define PREPARE(y, b) uint32_t key = mix((uint32_t)((y) * BANDS + (b)) * 0x9E3779B1u + noise.tick)
#define DRAW(x)                                                                                    \
    uint32_t word = mix((uint32_t)(x) * 0x9E3779B1u + key), other = mix(word + 0x85ebca6bu);       \
    float noise_re = normal(word, band.noise), noise_im = normal(other, band.noise);
#endif

// Diffusion, saturation with damping, noise: what every band does by itself.
#define ALONE(x)                                                                                   \
    float re = fma_(band.spread, (hr[x - 1] + hr[x + 1]) + (nr[x] + sr[x]), band.centre * hr[x]);  \
    float im = fma_(band.spread, (hi[x - 1] + hi[x + 1]) + (ni[x] + si[x]), band.centre * hi[x]);  \
    float size = fma_(re, re, im * im), held = size < band.ceiling ? size : band.ceiling;          \
    float pull = fma_(fma_(held, band.pull2, band.pull1), held, band.pull0);                       \
    DRAW(x)                                                                                        \
    re = fma_(pull, re, noise_re);                                                                 \
    im = fma_(pull, im, noise_im);

static void keep(int y, int band, int slot) {
    for (int part = 0; part < 2; part++) {
        float *to = old[band][slot][part] + PAD;
        memcpy(to, row(y, band, part), sizeof(float) * side);
        to[-1] = to[side - 1];
        to[side] = to[0];
    }
}

static void step_row(const Noise *keys, int y, int b, int now) {
    const Noise noise = *keys;
    const Band band = bands[b];
    const int last = y == side - 1;
    const float *restrict hr = old[b][now][0] + PAD, *restrict hi = old[b][now][1] + PAD;
    const float *restrict nr = old[b][!now][0] + PAD, *restrict ni = old[b][!now][1] + PAD;
    const float *restrict sr = last ? first[b][0] : row(y + 1, b, 0);
    const float *restrict si = last ? first[b][1] : row(y + 1, b, 1);
    float *restrict ar = row(y, b, 0), *restrict ai = row(y, b, 1);
    (void)noise;
    PREPARE(y, b);
    if (b == BANDS - 1) {
#pragma omp simd
        for (int x = 0; x < side; x++) {
            ALONE(x)
            ar[x] = re;
            ai[x] = im;
        }
        return;
    }
    float *restrict cr = row(y, b + 1, 0), *restrict ci = row(y, b + 1, 1);
    const float k = band.cascade, half = 0.5f * k, quarter = 0.25f * k * k, eighth = 0.125f * k * k;
#pragma omp simd
    for (int x = 0; x < side; x++) {
        ALONE(x)
        float fr = cr[x], fi = ci[x];
        float less = fma_(-eighth, fma_(re, re, im * im), 1.0f);
        float mr = fma_(half, fma_(fr, re, fi * im), less * re);
        float mi = fma_(half, fma_(fi, re, -(fr * im)), less * im);
        float wide = fma_(mr, mr, mi * mi), inverse = 1.0f / fma_(quarter, wide, 1.0f);
        float stay = fma_(-quarter, wide, 1.0f) * inverse, turn = k * inverse;
        ar[x] = fma_(turn, fma_(fr, mr, fi * mi), stay * re);
        ai[x] = fma_(turn, fma_(fi, mr, -(fr * mi)), stay * im);
        cr[x] = fma_(-turn, fma_(mr, re, -(mi * im)), stay * fr);
        ci[x] = fma_(-turn, fma_(mr, im, mi * re), stay * fi);
    }
}

static void step(void) {
    const Noise noise = noise_keys();
    for (int b = 0; b < BANDS; b++) {
        keep(side - 1, b, 1);
        for (int part = 0; part < 2; part++) memcpy(first[b][part], row(0, b, part), sizeof(float) * side);
    }
    for (int y = 0; y < side; y++) {
        for (int b = BANDS - 1; b >= 0; b--) {
            keep(y, b, y & 1);
            step_row(&noise, y, b, y & 1);
        }
    }
    tick++;
}

static void fail(const char *what) {
    fprintf(stderr, "lattice.c: %s\n", what);
    exit(1);
}

static void open_model(const char *model, const char *state) {
    FILE *file = fopen(model, "r");
    int count;
    if (!file || fscanf(file, "%d %d", &side, &count) != 2) fail("the model can't be read");
    if (count != BANDS || side < 16 || side > MOST || side % 16) fail("allowed: 8 bands, sides of 16, 32 .. 4096");
    for (int b = 0; b < BANDS; b++) {
        double v[9];
        for (int k = 0; k < 9; k++)
            if (fscanf(file, "%lf", &v[k]) != 1) fail("the model is too short");
        // In the order in which Factors::new rounds.
        float spread = (float)v[1];
        bands[b] = (Band){fma_(-4.0f, spread, 1.0f), spread,      (float)v[2], (float)v[3],
                          (float)v[4],               (float)v[5], (float)v[6], (float)v[7]};
    }
    fclose(file);
    free(sheet);
    sheet = aligned_alloc(1 << 21, ((size_t)BANDS * 2 * side * side * sizeof(float) + (1 << 21) - 1) >> 21 << 21);
    file = fopen(state, "rb");
    if (!sheet || !file) fail("the state can't be read");
    for (int b = 0; b < BANDS; b++)
        for (int part = 0; part < 2; part++)
            for (int y = 0; y < side; y++)
                if (fread(row(y, b, part), sizeof(float), side, file) != (size_t)side) fail("the state is too short");
    fclose(file);
    tick = 0;
}

static void write_state(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file) fail("the state can't be written");
    for (int b = 0; b < BANDS; b++)
        for (int part = 0; part < 2; part++)
            for (int y = 0; y < side; y++) fwrite(row(y, b, part), sizeof(float), side, file);
    fclose(file);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void) {
    char line[4096], one[2048], two[2048];
    int steps;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "open %2047s %2047s", one, two) == 2) {
            open_model(one, two);
            puts("opened");
        } else if (sscanf(line, "run %d", &steps) == 1) {
            double start = now();
            for (int k = 0; k < steps; k++) step();
            printf("%.9f\n", now() - start);
        } else if (sscanf(line, "write %2047s", one) == 1) {
            write_state(one);
            puts("written");
        } else {
            fail("unknown command");
        }
        fflush(stdout);
    }
    return 0;
}
