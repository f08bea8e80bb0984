//! Tests of templates with a scale: what they learn, what they refuse, and that they keep.

use super::*;
use crate::random::Stream;

/// A minute or so in which the same chance events stop in the picture and, 30 ms later, sound.
fn said(seed: u32) -> Said {
    let bins = 6_000;
    let mut draws = Stream::new(11, seed);
    let mut noise = |mean: f64| {
        (0..bins).map(|_| (mean + 0.1 * mean * draws.normal()).max(0.0) as f32).collect::<Vec<f32>>()
    };
    let (mut stops, mut differential, mut level) = (noise(1.0), noise(1.0), noise(0.01));
    let mut at = 10;
    while at + 20 < bins {
        for bin in at..at + 4 {
            stops[bin] += 5.0;
            differential[bin + 3] += 5.0;
            level[bin + 3] += 0.05;
        }
        at += draws.between(20.0, 150.0) as usize;
    }
    Said { stops, differential, level }
}

fn learned() -> Templates {
    let all: Vec<Said> = (0..4).map(said).collect();
    Templates::learn(&all.iter().collect::<Vec<_>>(), "a test".to_owned()).unwrap()
}

#[test]
fn others_sound_is_told_from_own_and_late_sound_met() {
    let templates = learned();
    let others: Vec<Said> = (4..7).map(said).collect();
    let others: Vec<&Said> = others.iter().collect();
    for hearing in [Hearing::Differential, Hearing::Level] {
        let judged = templates.of(hearing).judge(&others, hearing).unwrap();
        assert!(judged.apart_foreign.unwrap() > 2.0 && judged.apart_shifted.unwrap() > 2.0, "{judged:?}");
        assert!(judged.right > 0.85 && judged.order_own > judged.order_others + 0.2, "{judged:?}");
        assert!(judged.met > 0.95 && judged.error_ms < 10.0, "{judged:?}");
        assert!(judged.sure > 0.9 && judged.sure_of_others < 0.2, "{judged:?}");
    }
    let alone = templates.of(Hearing::Level).judge(&others[..1], Hearing::Level).unwrap();
    assert_eq!(alone.apart_foreign, None, "there is no other's sound");
}

#[test]
fn evidence_is_in_spreads_and_even_odds_lie_in_the_middle() {
    let scale = Scale::of(&[3.0, 5.0], &[0.0, 2.0]).unwrap();
    assert_eq!((scale.apart(), scale.evidence(2.5), scale.evidence(4.5)), (3.0, 0.0, 2.0));
    assert!((scale.confidence(2.5) - 0.5).abs() < 1e-12);
    assert!((scale.confidence(4.5) - 1.0 / (1.0 + libm::exp(-6.0))).abs() < 1e-12);
    assert_eq!(Scale::of(&[1.0, 2.0], &[1.0, 2.0]), None, "they are not apart");
    assert_eq!(Scale::of(&[1.0, 1.0], &[0.0]), None, "nothing spreads");
    assert_eq!(Scale::of(&[], &[0.0]), None);
}

#[test]
fn what_is_silent_still_or_short_is_refused_by_name_value_and_bound() {
    let whole = said(1);
    whole.check("film.mp4").unwrap();
    let silent = Said { level: vec![1e-5; 6_000], ..whole.clone() };
    let still = Said { stops: vec![0.0; 6_000], ..whole.clone() };
    let short = Said { stops: whole.stops[..1_000].to_vec(), ..whole };
    for (said, parts) in [
        (silent, ["silent", "0.00001", "0.00032"]),
        (still, ["nothing stops", "0 burst units", "0.05"]),
        (short, ["too short", "10", "at least 30"]),
    ] {
        let error = said.check("film.mp4").unwrap_err().to_string();
        assert!(error.contains("film.mp4") && parts.iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn recordings_in_which_nothing_belongs_together_teach_nothing() {
    let (one, other) = (said(1), said(2));
    let mixed = Said { differential: other.differential.clone(), level: other.level.clone(), ..one.clone() };
    // Its own sound is another's, and the other's is its own.
    let crossed = Said { differential: one.differential, level: one.level, ..other };
    let error = Templates::learn(&[&mixed, &crossed], String::new()).unwrap_err().to_string();
    assert!(error.contains("2 recordings"), "{error}");
}

#[test]
fn a_template_keeps_in_a_file_and_what_is_none_is_refused() {
    let templates = learned();
    let text = templates.to_text().unwrap();
    let again = Templates::from_bytes("t.json", text.as_bytes()).unwrap();
    assert_eq!(again.to_text().unwrap(), text);
    for (spoilt, part) in [
        ("{}".to_owned(), "no template"),
        (text.replace("napot-senses-1", "napot-senses-9"), "napot-senses-9"),
        (text.replace("\"spread\": ", "\"spread\": -"), "not whole"),
        (text[..text.len() / 2].to_owned(), "no template"),
    ] {
        let error = Templates::from_bytes("t.json", spoilt.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("t.json") && error.contains(part), "{error}");
    }
}
