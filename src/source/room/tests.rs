//! What a listener and a viewer of the room would notice.

use super::camera::Path;
use super::strike::Striker;
use super::synth::Synth;
use super::world::{ARENA, World};
use super::*;
use crate::stream::Source;
use crate::time::{SAMPLE_RATE, Timestamp};

const SECOND: i64 = 1_000_000_000;

fn small() -> RoomParameters {
    RoomParameters { width: 64, height: 48, frames_per_second: 10, ..RoomParameters::default() }
}

fn room(parameters: &RoomParameters, seed: u64) -> (RoomVideo, RoomSound) {
    Room::new(parameters, seed).unwrap().into_sources()
}

fn sound_of(sound: &mut RoomSound, seconds: usize) -> Vec<[f32; 2]> {
    (0..seconds * 100).flat_map(|_| sound.pull().unwrap().unwrap().frames).collect()
}

fn video_hash(video: &mut RoomVideo, frames: usize) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for _ in 0..frames {
        hash.update(&video.pull().unwrap().unwrap().rgb);
        hash.update(&video.truth().labels);
        video.truth().depth.iter().for_each(|depth| {
            hash.update(&depth.to_bits().to_le_bytes());
        });
    }
    hash.finalize()
}

fn sound_hash(frames: &[[f32; 2]]) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for x in frames.iter().flatten() {
        hash.update(&x.to_bits().to_le_bytes());
    }
    hash.finalize()
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_another_room() {
    let (mut video, mut sound) = room(&small(), 5);
    let (mut again_video, mut again_sound) = room(&small(), 5);
    let (mut other_video, mut other_sound) = room(&small(), 6);
    let picture = video_hash(&mut video, 30);
    assert_eq!(picture, video_hash(&mut again_video, 30));
    assert_ne!(picture, video_hash(&mut other_video, 30));
    let heard = sound_hash(&sound_of(&mut sound, 3));
    assert_eq!(heard, sound_hash(&sound_of(&mut again_sound, 3)));
    assert_ne!(heard, sound_hash(&sound_of(&mut other_sound, 3)));
}

#[test]
fn picture_size_and_rate_change_neither_sound_nor_contacts() {
    let large = RoomParameters { width: 90, height: 20, frames_per_second: 7, ..small() };
    let heard = |parameters: &RoomParameters| sound_hash(&sound_of(&mut room(parameters, 2).1, 3));
    assert_eq!(heard(&small()), heard(&large));
    let until = Timestamp(6 * SECOND);
    assert_eq!(contacts(&small(), 2, until).unwrap(), contacts(&large, 2, until).unwrap());
}

#[test]
fn frames_at_the_same_time_show_the_same_whatever_the_rate() {
    let fast = RoomParameters { frames_per_second: 240, ..small() };
    let mut slow_video = room(&small(), 3).0;
    let mut fast_video = room(&fast, 3).0;
    for _ in 0..4 {
        let slow = slow_video.pull().unwrap().unwrap();
        let same = fast_video.pull().unwrap().unwrap();
        assert_eq!(slow.stamp, same.stamp);
        assert_eq!(slow.rgb, same.rgb);
        for _ in 0..23 {
            fast_video.pull().unwrap();
        }
    }
}

#[test]
fn every_contact_sounds_in_the_millisecond_that_starts_with_its_time() {
    let mut world = World::new(&small(), 4);
    let striker = Striker::new(world.parts());
    let path = Path::new(4);
    let mut synth = Synth::new(&striker, world.parts().len());
    let mut sounded = Vec::new();
    for _ in 0..20_000 {
        let pose = path.pose(world.time());
        let centre = |body: usize| world.pose(body).translation;
        let mut without = world.impacts().iter().any(|impact| impact.first).then(|| synth.clone());
        for impact in world.impacts() {
            synth.strike(&striker.strike(impact, &pose, centre));
        }
        let (mut heard, mut unheard) = (Vec::new(), Vec::new());
        synth.render(&pose, world.rubs(), centre, &mut heard);
        if let Some(without) = &mut without {
            without.render(&pose, world.rubs(), centre, &mut unheard);
            let apart = |(a, b): (&[f32; 2], &[f32; 2])| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
            assert!(heard.iter().zip(&unheard).map(apart).fold(0.0, f32::max) > 1e-3);
            sounded.push(world.time());
        }
        world.step();
    }
    let mut told: Vec<_> = Contacts::new(&small(), 4).unwrap().map(|contact| contact.time).take(80).collect();
    told.dedup();
    assert!(sounded.len() > 40);
    let both = sounded.len().min(told.len());
    assert_eq!(sounded[..both - 1], told[..both - 1]);
}

#[test]
fn what_is_heard_starts_within_a_millisecond_of_its_contact() {
    let parameters = small();
    let seconds = 30;
    let contacts = contacts(&parameters, 4, Timestamp(seconds * SECOND)).unwrap();
    let frames = sound_of(&mut room(&parameters, 4).1, seconds as usize);
    let mono: Vec<f32> = frames.iter().map(|[left, right]| left + right).collect();
    let mut judged = 0;
    for (i, contact) in contacts.iter().enumerate() {
        // Those that lie apart and are not small against what still rings.
        let gap = |other: Option<&Contact>| {
            other.is_none_or(|other| (other.time.0 - contact.time.0).abs() >= 60_000_000)
        };
        let before_it = i.checked_sub(1).and_then(|i| contacts.get(i));
        let at = usize::try_from(contact.time.0 * i64::from(SAMPLE_RATE) / SECOND).unwrap();
        if !gap(before_it) || !gap(contacts.get(i + 1)) || at + 480 > mono.len() || contact.peak < 0.06 {
            continue;
        }
        // Curvature sees a new sound at its first sample and hardly sees what rings on.
        let bend = |k: usize| (mono[k + 1] - 2.0 * mono[k] + mono[k - 1]).abs();
        let before = (at - 200..at - 1).map(bend).fold(0.0, f32::max);
        let span = at - 1..at + 240;
        // Masked: what rings on bends more than what is new.
        if span.clone().map(bend).fold(0.0, f32::max) < 4.0 * before {
            continue;
        }
        let late = span.clone().position(|k| bend(k) > 1.5 * before);
        assert!(late.is_some_and(|late| late <= 48), "late by {late:?} frames: {contact:?}");
        let loudest = |ear: usize| frames[at..at + 480].iter().fold(0.0f32, |most, f| most.max(f[ear].abs()));
        let ratio = loudest(0).max(loudest(1)) / contact.peak;
        assert!((0.5..2.0).contains(&ratio), "{ratio} of the peak foretold: {contact:?}");
        judged += 1;
    }
    assert!(judged >= 15, "{judged} contacts judged");
}

#[test]
fn the_sound_never_clips_and_falls_silent_between_contacts() {
    let frames = sound_of(&mut room(&small(), 1).1, 40);
    let peak = frames.iter().flatten().fold(0.0f32, |most, x| most.max(x.abs()));
    assert!(frames.iter().flatten().all(|x| x.is_finite()));
    assert!((0.3..0.95).contains(&peak), "{peak}");
    let mut levels: Vec<f32> = frames
        .chunks(4_800)
        .map(|chunk| chunk.iter().map(|[l, r]| l * l + r * r).sum::<f32>() / 9_600.0)
        .collect();
    levels.sort_by(f32::total_cmp);
    let quiet_db = 10.0 * levels[levels.len() / 50].log10();
    assert!((-80.0..-52.0).contains(&quiet_db), "{quiet_db} dBFS");
}

#[test]
fn a_contact_on_the_left_is_louder_on_the_left() {
    let parameters = small();
    let (mut sides, mut seen) = ([0.0f64; 2], [0; 2]);
    let frames = sound_of(&mut room(&parameters, 8).1, 30);
    for contact in contacts(&parameters, 8, Timestamp(29 * SECOND)).unwrap() {
        let at = usize::try_from(contact.time.0 * i64::from(SAMPLE_RATE) / SECOND).unwrap();
        if contact.pan.abs() < 0.3 || contact.peak < 0.1 {
            continue;
        }
        let side = usize::from(contact.pan > 0.0);
        let energy =
            |ear: usize| frames[at..at + 480].iter().map(|f| f64::from(f[ear] * f[ear])).sum::<f64>();
        sides[side] += (energy(1) / energy(0)).log10();
        seen[side] += 1;
    }
    assert!(seen[0] > 3 && seen[1] > 3, "{seen:?}");
    assert!(
        sides[0] / f64::from(seen[0]) < -0.15 && sides[1] / f64::from(seen[1]) > 0.15,
        "{sides:?} {seen:?}"
    );
}

#[test]
fn depth_and_pose_agree_from_frame_to_frame() {
    let mut video = room(&RoomParameters { width: 96, height: 72, ..small() }, 9).0;
    video.pull().unwrap();
    let first = video.truth().clone();
    for _ in 0..6 {
        video.pull().unwrap();
    }
    let second = video.truth();
    let (mut agree, mut judged) = (0, 0);
    for y in 0..first.height {
        for x in 0..first.width {
            let at = y * first.width + x;
            if first.labels[at] != 0 {
                continue;
            }
            let point =
                first.pose.unproject(&first.intrinsics, x as f32 + 0.5, y as f32 + 0.5, first.depth[at]);
            let Some([u, v, depth]) = second.pose.project(&second.intrinsics, point) else { continue };
            if u < 1.0 || v < 1.0 || u >= first.width as f32 - 1.0 || v >= first.height as f32 - 1.0 {
                continue;
            }
            let there = v as usize * second.width + u as usize;
            // Where a solid came between, the point is hidden.
            if second.labels[there] == 0 {
                judged += 1;
                agree += usize::from((second.depth[there] / depth - 1.0).abs() < 0.02);
            }
        }
    }
    assert_ne!(first.pose, second.pose);
    assert!(judged > 3_000 && agree * 100 > judged * 97, "{agree} of {judged}");
}

#[test]
fn labels_lie_where_the_solids_are() {
    let parameters = RoomParameters { width: 96, height: 96, ..small() };
    let mut video = room(&parameters, 12).0;
    let mut world = World::new(&parameters, 12);
    let mut found = 0;
    for _ in 0..20 {
        video.pull().unwrap();
        let truth = video.truth();
        world.advance_to(truth.time);
        for (at, label) in truth.labels.iter().enumerate().filter(|(_, label)| **label > 0) {
            let (u, v) = ((at % truth.width) as f32 + 0.5, (at / truth.width) as f32 + 0.5);
            let point = truth.pose.unproject(&truth.intrinsics, u, v, truth.depth[at]);
            let body = usize::from(*label) - 1;
            let centre = world.pose(body).translation.to_array();
            let apart = (0..3).map(|i| (point[i] - centre[i]).powi(2)).sum::<f32>().sqrt();
            assert!(apart < world.parts()[body].solid.bound() + 0.01, "label {label}: {apart} m");
            found += 1;
        }
    }
    assert!(found > 5_000, "{found} labelled pixels");
}

#[test]
fn every_solid_is_seen_and_stands_before_the_wall() {
    let mut video = room(&RoomParameters { width: 96, height: 96, ..small() }, 1).0;
    let mut most = [0; 7];
    for _ in 0..40 {
        video.pull().unwrap();
        let truth = video.truth();
        assert!(truth.depth.iter().all(|depth| depth.is_finite() && *depth > 0.2));
        for (label, most) in most.iter_mut().enumerate() {
            let count = truth.labels.iter().filter(|seen| usize::from(**seen) == label).count();
            *most = count.max(*most);
        }
        let deepest = |solid: bool| {
            let of = truth.depth.iter().zip(&truth.labels).filter(|(_, label)| (**label > 0) == solid);
            of.fold(0.0f32, |deepest, (depth, _)| deepest.max(*depth))
        };
        assert!(deepest(true) < deepest(false));
    }
    assert!(most[1..].iter().all(|count| *count > 60), "most pixels per label: {most:?}");
}

#[test]
fn the_room_stays_alive_whole_and_bounded_for_ten_minutes() {
    let parameters = RoomParameters::default();
    let mut world = World::new(&parameters, 21);
    let mut per_minute = [0; 10];
    for step in 0..600_000 {
        world.step();
        per_minute[step / 60_000] += world.impacts().iter().filter(|impact| impact.first).count();
        if step % 1_000 == 0 {
            assert!(world.kinetic_energy() < 1_500.0);
            for body in 0..world.parts().len() {
                let place = world.pose(body).translation.to_array();
                let inside = place.iter().zip(ARENA).all(|(x, [low, high])| *x > low && *x < high);
                assert!(inside, "solid {body} at {place:?} after {step} ms");
            }
        }
    }
    assert_eq!(world.rescued(), 0);
    assert!(per_minute.iter().all(|count| (90..600).contains(count)), "{per_minute:?}");
}

#[test]
fn many_contacts_lie_apart_and_there_are_pauses() {
    let contacts = contacts(&RoomParameters::default(), 1, Timestamp(60 * SECOND)).unwrap();
    let apart = |a: &Contact, b: &Contact| b.time.0 - a.time.0 >= 60_000_000;
    let alone = contacts.windows(3).filter(|w| apart(&w[0], &w[1]) && apart(&w[1], &w[2])).count();
    assert!(alone > 60, "{alone} in a minute");
    assert!(contacts.windows(2).any(|w| w[1].time.0 - w[0].time.0 > SECOND));
    assert!(contacts.iter().all(|c| c.speed > 0.3 && c.impulse > 0.0 && c.peak > 0.0 && c.peak < 2.0));
    assert!(contacts.iter().all(|c| c.first >= 1 && (c.second == 0 || c.second > c.first) && c.second <= 6));
}

#[test]
fn one_solid_and_many_are_both_rooms() {
    for objects in [1, 24] {
        let parameters = RoomParameters { objects, width: 16, height: 31, ..small() };
        let (mut video, mut sound) = room(&parameters, 3);
        for _ in 0..10 {
            let frame = video.pull().unwrap().unwrap();
            assert_eq!(frame.rgb.len(), 3 * 16 * 31);
        }
        assert!(sound_of(&mut sound, 2).iter().flatten().all(|x| x.abs() < 1.0));
        assert!(contacts(&parameters, 3, Timestamp(4 * SECOND)).unwrap().len() > 2);
    }
}

#[test]
fn stamps_and_positions_follow_the_rates() {
    let (mut video, mut sound) = room(&RoomParameters { frames_per_second: 30, ..small() }, 1);
    for k in 0..4u64 {
        let frame = video.pull().unwrap().unwrap();
        assert_eq!((frame.sequence, frame.stamp.time), (k, Timestamp::from_count(k, 30)));
        let block = sound.pull().unwrap().unwrap();
        assert_eq!((block.position, block.stamp.time), (480 * k, Timestamp::from_count(k, 100)));
    }
    assert_eq!(video.info().format, "64x48, 30 fps");
    assert_eq!((sound.info().name.as_str(), sound.info().format.as_str()), ("room", "48 kHz stereo"));
}

#[test]
fn a_parameter_out_of_bounds_is_named_with_its_value_and_bound() {
    let message = |parameters: RoomParameters| Room::new(&parameters, 0).unwrap_err().to_string();
    let wide = message(RoomParameters { width: 5_000, ..RoomParameters::default() });
    assert!(wide.contains("room.width") && wide.contains("5000") && wide.contains("16 to 4096"), "{wide}");
    assert!(message(RoomParameters { height: 2, ..small() }).contains("room.height"));
    assert!(message(RoomParameters { frames_per_second: 0, ..small() }).contains("1 to 240"));
    assert!(message(RoomParameters { objects: 25, ..small() }).contains("room.objects"));
    assert!(message(RoomParameters { pace: f64::NAN, ..small() }).contains("room.pace"));
}
