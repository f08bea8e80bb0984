//! Templates of sounds that belong to their pictures: the ones that come with the program, or those of a file; what a run takes of them.

use super::pictures;
use crate::config::Config;
use crate::engine::senses::Senses;
use crate::error::Result;
use crate::readout::belonging::Templates;

/// Made by the call that it names, on rooms; docs/senses.md says what it reaches on others.
const SHIPPED: &[u8] = include_bytes!("senses.json");
/// The largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// The templates that the configuration asks for.
pub(super) fn templates(config: &Config) -> Result<Templates> {
    let path = &config.senses.template;
    if path.as_os_str().is_empty() {
        return Templates::from_bytes("senses.json", SHIPPED);
    }
    let bytes =
        pictures::read(path, "the template of the senses", "`napot learn senses` makes one.", MOST_BYTES)?;
    Templates::from_bytes(&path.display().to_string(), &bytes)
}

/// What compares sound and picture in a run; `None` where that is switched off.
pub(super) fn open(config: &Config) -> Result<Option<Senses>> {
    if !config.senses.enabled {
        return Ok(None);
    }
    Ok(Some(Senses::new(Some(templates(config)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_that_comes_with_the_program_is_whole_and_says_how_it_was_made() {
        let shipped = templates(&Config::default()).unwrap();
        assert!(shipped.made.starts_with("napot learn senses --room"), "{}", shipped.made);
        assert_eq!(shipped.to_text().unwrap().as_bytes(), SHIPPED);
    }
}
