//! Scenes: named settings of the sound. Under each lies the same pink ground; what is new sounds different.

use super::SonifyParameters;

/// A scene: its name, what it is like, its settings.
pub struct Scene {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is like, in a sentence.
    pub what: &'static str,
    settings: fn() -> SonifyParameters,
}

/// All scenes, the default one first.
pub const SCENES: [Scene; 4] = [
    Scene {
        name: "field",
        what: "the ground, and grains as bright as what raises them",
        settings: SonifyParameters::default,
    },
    Scene {
        name: "glass",
        what: "few, high, clear grains: only what is most surprising",
        settings: || SonifyParameters {
            grain_db: 9.0,
            half_bits: 12.0,
            voices: 24,
            starts_per_tick: 3,
            picture_low_hz: 700.0,
            picture_high_hz: 5_600.0,
            picture_scatter_ms: 33,
            ..SonifyParameters::default()
        },
    },
    Scene {
        name: "rain",
        what: "many small grains that fall apart in time",
        settings: || SonifyParameters {
            grain_db: 2.0,
            half_bits: 5.0,
            voices: 128,
            starts_per_tick: 32,
            picture_low_hz: 400.0,
            picture_high_hz: 8_000.0,
            picture_scatter_ms: 80,
            ..SonifyParameters::default()
        },
    },
    Scene {
        name: "sea",
        what: "the ground breathes; grains are low and soft",
        settings: || SonifyParameters {
            grain_db: -3.0,
            half_bits: 14.0,
            voices: 24,
            starts_per_tick: 4,
            picture_low_hz: 120.0,
            picture_high_hz: 960.0,
            picture_scatter_ms: 60,
            fade_in_ms: 2_000,
            ..SonifyParameters::default()
        },
    },
];

/// The settings of a scene, by its name.
#[must_use]
pub fn scene(name: &str) -> Option<SonifyParameters> {
    let scene = SCENES.iter().find(|scene| scene.name == name)?;
    Some(SonifyParameters { scene: name.to_owned(), ..(scene.settings)() })
}

/// The names of all scenes, for a message.
#[must_use]
pub fn names() -> String {
    SCENES.map(|scene| scene.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_is_allowed_and_tells_its_name() {
        for Scene { name, .. } in &SCENES {
            let settings = scene(name).unwrap();
            settings.check().unwrap();
            assert_eq!(settings.scene, *name);
        }
        assert!(scene("noise").is_none());
    }
}
