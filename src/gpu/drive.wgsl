// What drives the sheet, kept on the device: pushes are added, then every step of the fastest band lets them fade, as src/array/drive.rs does.

// What one pass is made of; src/gpu/record.rs writes it.
struct Record {
    // The first push and how many; columns, and groups of four columns in a row.
    pushes: vec4<u32>,
    // What a step leaves, the least that drives, and the most.
    bounds: vec4<f32>,
    // Groups on the sheet.
    groups: vec4<u32>,
}

@group(0) @binding(0) var<uniform> record: Record;
// The phasic drive of four sites after four: real parts, then imaginary ones.
@group(0) @binding(1) var<storage, read_write> drives: array<f32>;
// Site, real and imaginary part; those of one site follow each other in the order in which they came.
@group(0) @binding(2) var<storage, read> pushes: array<vec4<u32>>;

@compute @workgroup_size(256)
fn push(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= record.pushes.y {
        return;
    }
    let end = record.pushes.x + record.pushes.y;
    var next = record.pushes.x + id.x;
    let site = pushes[next].x;
    // The first push of a site adds the others too: the sum is held below the ceiling after each of them.
    if id.x > 0u && pushes[next - 1u].x == site {
        return;
    }
    let row = site / record.pushes.z;
    let column = site % record.pushes.z;
    let re = (row * record.pushes.w + column / 4u) * 8u + column % 4u;
    let im = re + 4u;
    var sum = vec2<f32>(drives[re], drives[im]);
    while next < end && pushes[next].x == site {
        sum += bitcast<vec2<f32>>(pushes[next].yz);
        let size = sqrt(sum.x * sum.x + sum.y * sum.y);
        if size > record.bounds.z {
            sum *= record.bounds.z / size;
        }
        next++;
    }
    drives[re] = sum.x;
    drives[im] = sum.y;
}

@compute @workgroup_size(256)
fn fade(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= record.groups.x {
        return;
    }
    let first = id.x * 8u;
    for (var value = first; value < first + 8u; value++) {
        let faded = drives[value] * record.bounds.x;
        drives[value] = select(faded, 0.0, abs(faded) < record.bounds.y);
    }
}
