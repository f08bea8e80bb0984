//! x
use napot::binding::phantom::psnr;
use napot::engine::binding::BindingParameters;
use napot::engine::binding::world::World;
use napot::signal::InputPicture;
use napot::stream::Source;
use napot::time::Tick;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (side, views): (usize, usize) = (a[2].parse().unwrap(), a[3].parse().unwrap());
    let arrays = 8;
    let seed: u64 = a[4].parse().unwrap();
    let holders: Vec<usize> = a[5].split(',').map(|x| x.parse().unwrap()).collect();
    let verbose = a.len() > 6;
    let mut video: Box<dyn Source<Item = napot::signal::Frame>> = if a[1] == "room" {
        Box::new(napot::source::room::Room::new(&Default::default(), seed).unwrap().into_sources().0)
    } else {
        napot::source::media::open(std::path::Path::new(&a[1]), &Default::default()).unwrap().video.unwrap()
    };
    let mut world = World::new(&BindingParameters { enabled: true, arrays, views, side }, seed).unwrap();
    let (mut next, mut n, mut cost) = (0i64, 0u64, 0.0);
    let (mut told, mut back) = (Vec::new(), Vec::new());
    let (mut hold_at, mut rel_at): (Option<u64>, Option<u64>) = (None, None);
    let (mut frag, mut tot) = (0, 0);
    while let Some(f) = video.pull().unwrap() {
        if f.stamp.time.0 < next { continue; }
        if next >= 60_000_000_000 { break; }
        next += 100_000_000;
        let p = InputPicture { time: f.stamp.time, width: f.width, height: f.height, rgb: f.rgb.clone() };
        let cycle = n % 100;
        if cycle == 30 { for h in &holders { world.hold(*h, true); } hold_at = Some(n); }
        if cycle == 70 { for h in &holders { world.hold(*h, false); } rel_at = Some(n); if hold_at.is_some() { told.push(999); hold_at = None; } }
        let t = std::time::Instant::now();
        world.see(&p).unwrap();
        cost += t.elapsed().as_secs_f64();
        let fig = world.figures();
        let apart = fig.arrays.iter().enumerate().all(|(k, x)| holders.contains(&k) != (x.whole == Some(fig.wholes.first().map_or(99, |w| w.name)) && !holders.contains(&k)))
            && fig.wholes.first().is_some_and(|w| usize::from(w.arrays) == arrays - holders.len() || holders.len() * 2 == arrays);
        let all = fig.wholes.first().is_some_and(|w| usize::from(w.arrays) == arrays);
        if hold_at.is_none() && rel_at.is_none() && cycle < 30 { tot += 1; frag += i32::from(!all); }
        if let Some(h) = hold_at && apart { told.push(n - h); hold_at = None; }
        if let Some(r) = rel_at && all { back.push(n - r); rel_at = None; }
        if cycle == 29 && rel_at.is_some() { back.push(999); rel_at = None; }
        if verbose { println!("{n} {:?} wholes {:?} order {:.2} apart {:.1}", fig.arrays.iter().map(|a| format!("{}{}{:.2}", a.whole.map_or('-', |w| (b'A'+w) as char), if a.held {"h"} else {""}, a.phase)).collect::<Vec<_>>(), fig.wholes.iter().map(|w| (w.name, w.arrays, w.confidence, w.psnr_db)).collect::<Vec<_>>(), fig.order.unwrap(), fig.apart_db.unwrap()); }
        n += 1;
    }
    let f = world.figures();
    println!("{} side {side} views {views} hold {holders:?}: whole {:.2} apart {:.2} uncoupled {:.2}; fragmented {frag}/{tot}; told {told:?} back {back:?}; {:.2} ms", a[1], f.mean_whole_db.unwrap(), f.mean_apart_db.unwrap(), f.mean_uncoupled_db.unwrap(), 1e3*cost/n as f64);
    let _ = (psnr(&[1.0], &[0.5]), Tick(0));
}
