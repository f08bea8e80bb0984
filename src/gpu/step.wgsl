// One step of one band, four neighbouring sites to an invocation: what src/kernel/lattice/reference.rs defines.
//
// A row's columns are padded to groups of four; what lies beyond the last column is 0. The neighbours' old values are
// needed until the whole band has stepped, so a band is read from one buffer and written to another; the next faster
// band is changed in place, at the same sites.

// Four neighbouring sites of a row.
struct Quad {
    re: vec4<f32>,
    im: vec4<f32>,
}

// Flags of a record: whether there is a phasic drive, a sustained one, and no noise.
const PHASIC: u32 = 1u;
const SUSTAINED: u32 = 2u;
const SILENT: u32 = 4u;
// As in src/kernel/lattice/mod.rs.
const TINY: f32 = 1e-18;

// Whether a twin runs beside the sheet, and whether there is a faster band.
override with_twin: bool;
override with_faster: bool;

// What drives the sheet, in units of the tonic rms: the phasic parts of every four sites, then all sustained levels.
@group(0) @binding(2) var<storage, read> drives: array<vec4<f32>>;
@group(1) @binding(0) var<storage, read> old: array<Quad>;
@group(1) @binding(1) var<storage, read_write> stepped: array<Quad>;
@group(1) @binding(2) var<storage, read_write> faster: array<Quad>;
@group(1) @binding(3) var<storage, read> twin_old: array<Quad>;
@group(1) @binding(4) var<storage, read_write> twin_stepped: array<Quad>;
@group(1) @binding(5) var<storage, read_write> twin_faster: array<Quad>;

// Where four sites and their neighbours lie.
struct Place {
    group: u32,
    here: u32,
    west: u32,
    east: u32,
    north: u32,
    south: u32,
}

fn place_of(index: u32) -> Place {
    let groups = record.sheet.z;
    let height = record.sheet.y;
    let row = index / groups;
    let group = index % groups;
    let start = row * groups;
    return Place(
        group,
        index,
        start + (group + groups - 1u) % groups,
        start + (group + 1u) % groups,
        (row + height - 1u) % height * groups + group,
        (row + 1u) % height * groups + group,
    );
}

// The sheet is a torus: the last column, which need not be the last of its group, lies beside the first.
fn spread(here: vec4<f32>, west: vec4<f32>, east: vec4<f32>, upright: vec4<f32>, group: u32) -> vec4<f32> {
    let last = (record.sheet.x - 1u) % 4u;
    let before = select(west.w, west[last], group == 0u);
    let left = vec4<f32>(before, here.xyz);
    var right = vec4<f32>(here.yzw, east.x);
    if group + 1u == record.sheet.z {
        right[last] = east.x;
    }
    let sum = (left + right) + upright;
    return fma(vec4<f32>(record.spread.y), sum, record.spread.x * here);
}

// A buffer is no argument of a function, so each copy of the sheet has its own.
fn spread_sheet(at: Place) -> Quad {
    let here = old[at.here];
    let west = old[at.west];
    let east = old[at.east];
    let north = old[at.north];
    let south = old[at.south];
    return Quad(
        spread(here.re, west.re, east.re, north.re + south.re, at.group),
        spread(here.im, west.im, east.im, north.im + south.im, at.group),
    );
}

fn spread_twin(at: Place) -> Quad {
    let here = twin_old[at.here];
    let west = twin_old[at.west];
    let east = twin_old[at.east];
    let north = twin_old[at.north];
    let south = twin_old[at.south];
    return Quad(
        spread(here.re, west.re, east.re, north.re + south.re, at.group),
        spread(here.im, west.im, east.im, north.im + south.im, at.group),
    );
}

fn square(a: Quad) -> vec4<f32> {
    return fma(a.re, a.re, a.im * a.im);
}

// c times the conjugate of a.
fn times_conjugate(c: Quad, a: Quad) -> Quad {
    return Quad(fma(c.re, a.re, c.im * a.im), fma(c.im, a.re, -(c.re * a.im)));
}

fn driven(a: Quad, index: u32, group: u32) -> Quad {
    let flags = record.key.w;
    if (flags & (PHASIC | SUSTAINED)) == 0u {
        return a;
    }
    var push = Quad(vec4<f32>(0.0), vec4<f32>(0.0));
    if (flags & PHASIC) != 0u {
        push = Quad(drives[2u * index], drives[2u * index + 1u]);
    }
    if (flags & SUSTAINED) != 0u {
        let column = 256u + 4u * group;
        let bands = vec4<u32>(
            constants[column],
            constants[column + 1u],
            constants[column + 2u],
            constants[column + 3u],
        );
        let levels = drives[2u * record.sheet.y * record.sheet.z + index];
        push.re += select(vec4<f32>(0.0), levels, bands == vec4<u32>(record.sheet.w));
    }
    let weight = vec4<f32>(record.spread.z);
    return Quad(fma(weight, push.re, a.re), fma(weight, push.im, a.im));
}

fn pulled_and_shaken(a: Quad, noise: Quad) -> Quad {
    let held = min(square(a), vec4<f32>(record.spread.w));
    let slope = fma(held, vec4<f32>(record.pull.z), vec4<f32>(record.pull.y));
    let pull = fma(slope, held, vec4<f32>(record.pull.x));
    return Quad(fma(pull, a.re, noise.re), fma(pull, a.im, noise.im));
}

// What lies beyond the last column stays 0.
fn within(a: Quad, group: u32) -> Quad {
    let inside = (vec4<u32>(4u * group) + vec4<u32>(0u, 1u, 2u, 3u)) < vec4<u32>(record.sheet.x);
    return Quad(select(vec4<f32>(0.0), a.re, inside), select(vec4<f32>(0.0), a.im, inside));
}

fn turned_into(a: Quad, c: Quad) -> array<Quad, 2> {
    let k = record.cascade;
    let less = fma(vec4<f32>(-k.w), square(a), vec4<f32>(1.0));
    let product = times_conjugate(c, a);
    let half = vec4<f32>(k.y);
    let m = Quad(fma(half, product.re, less * a.re), fma(half, product.im, less * a.im));
    let size = square(m);
    let inverse = vec4<f32>(1.0) / fma(vec4<f32>(k.z), size, vec4<f32>(1.0));
    let stay = fma(vec4<f32>(-k.z), size, vec4<f32>(1.0)) * inverse;
    let turn = k.x * inverse;
    let up = times_conjugate(c, m);
    let down = Quad(fma(m.re, a.re, -(m.im * a.im)), fma(m.re, a.im, m.im * a.re));
    return array<Quad, 2>(
        Quad(fma(turn, up.re, stay * a.re), fma(turn, up.im, stay * a.im)),
        Quad(fma(-turn, down.re, stay * c.re), fma(-turn, down.im, stay * c.im)),
    );
}

fn without_traces(part: vec4<f32>) -> vec4<f32> {
    return select(part, vec4<f32>(0.0), abs(part) < vec4<f32>(TINY));
}

fn kept(a: Quad) -> Quad {
    if (record.key.w & SILENT) == 0u {
        return a;
    }
    return Quad(without_traces(a.re), without_traces(a.im));
}

@compute @workgroup_size(256)
fn step(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    table[local] = constants[local];
    workgroupBarrier();
    let index = id.x;
    if index >= record.sheet.y * record.sheet.z {
        return;
    }
    let at = place_of(index);
    var noise = Quad(vec4<f32>(0.0), vec4<f32>(0.0));
    if (record.key.w & SILENT) == 0u {
        noise = noise_of(index / record.sheet.z, at.group);
    }

    var a = spread_sheet(at);
    a = within(pulled_and_shaken(driven(a, index, at.group), noise), at.group);
    if with_faster {
        let pair = turned_into(a, faster[index]);
        a = pair[0];
        faster[index] = pair[1];
    }
    stepped[index] = kept(a);

    if with_twin {
        var b = within(pulled_and_shaken(spread_twin(at), noise), at.group);
        if with_faster {
            let pair = turned_into(b, twin_faster[index]);
            b = pair[0];
            twin_faster[index] = pair[1];
        }
        twin_stepped[index] = kept(b);
    }
}
