//! The cost of a tick of the array: by size of the sheet, with and without the twin, alone and as a team. `napot bench
//! throughput` has its bound beside it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use napot::array::{Array, ArrayParameters};
use napot::kernel::team::Team;
use napot::signal::ArrayId;
use napot::time::Tick;

const SEED: u64 = 1;

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("array step");
    for (side, twin, members) in [(32, false, 1), (128, false, 1), (128, true, 1), (128, true, 2)] {
        let parameters = ArrayParameters { twin, ..ArrayParameters::default() };
        let mut team = Team::new(members);
        let mut array =
            Array::new(ArrayId(0), side, side, &parameters, SEED, members).expect("the defaults are allowed");
        let copies = if twin { 2 } else { 1 };
        group.throughput(Throughput::Elements((side * side * parameters.bands * copies) as u64));
        let name = format!("{side} x {side}{}, threads", if twin { " with its twin" } else { "" });
        let mut tick = Tick(0);
        group.bench_function(BenchmarkId::new(name, members), |bencher| {
            bencher.iter(|| {
                array.step(black_box(tick), &mut team);
                tick = tick.next();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
