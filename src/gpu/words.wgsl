// For tests: the words that a step's noise is made of, eight for four sites.

struct Quad {
    re: vec4<f32>,
    im: vec4<f32>,
}

@group(0) @binding(2) var<storage, read_write> drawn: array<vec4<u32>>;

@compute @workgroup_size(256)
fn draw(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    table[local] = constants[local];
    workgroupBarrier();
    if id.x >= record.sheet.y * record.sheet.z {
        return;
    }
    let pair = words_of(id.x / record.sheet.z, id.x % record.sheet.z);
    drawn[2u * id.x] = pair[0];
    drawn[2u * id.x + 1u] = pair[1];
}
