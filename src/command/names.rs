//! Names of pictures that are written into a folder: those of files keep theirs, those of films are numbered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::signal::Frame;
use crate::source::content::Content;
use crate::source::video;

/// The names of one folder, each given once.
#[derive(Default)]
pub(super) struct Names {
    /// The files of the pictures that come, in their order; none of a film.
    files: Vec<PathBuf>,
    given: HashSet<String>,
    count: u64,
}

impl Names {
    /// Goes on with the pictures of a file or folder.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn enter(&mut self, input: &Path) -> Result<()> {
        self.files = if input.is_dir() {
            video::pictures_of(input)?
        } else if Content::of(input)? == Content::Still {
            vec![input.to_owned()]
        } else {
            Vec::new()
        };
        Ok(())
    }

    /// The name of the next picture, without an ending; `frame` is that which was read.
    pub fn next(&mut self, frame: &Frame) -> String {
        self.count += 1;
        let file = usize::try_from(frame.sequence).ok().and_then(|number| self.files.get(number));
        let stem = file.and_then(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
        let first = stem.unwrap_or_else(|| format!("{:06}", self.count));
        // `a.png` and `a.jpg`, and files of one name in two folders.
        let others = (2u64..).map(|number| format!("{first}-{number}"));
        let name = std::iter::once(first.clone()).chain(others).find(|name| !self.given.contains(name));
        let name = name.unwrap_or(first);
        self.given.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Stamp;
    use crate::time::Timestamp;

    fn frame(sequence: u64) -> Frame {
        let stamp = Stamp::recorded(Timestamp::ZERO);
        Frame { stamp, sequence, width: 1, height: 1, rgb: vec![0; 3] }
    }

    #[test]
    fn files_keep_their_names_each_once_and_films_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["in/a.ppm", "in/a.pnm", "in/b 2.ppm", "in/b 10.ppm", "other/a.ppm"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"P6 1 1 255\nabc").unwrap();
        }
        std::fs::write(folder.path().join("in/notes.txt"), b"none").unwrap();
        let mut names = Names::default();
        names.enter(&folder.path().join("in")).unwrap();
        // The third is damaged: it leaves a gap.
        assert_eq!([0, 1, 3].map(|number| names.next(&frame(number))), ["a", "a-2", "b 10"]);
        names.enter(&folder.path().join("other/a.ppm")).unwrap();
        assert_eq!(names.next(&frame(0)), "a-3");
        std::fs::write(folder.path().join("film.y4m"), b"YUV4MPEG2 W1 H1 F25:1\n").unwrap();
        names.enter(&folder.path().join("film.y4m")).unwrap();
        assert_eq!([0, 1].map(|number| names.next(&frame(number))), ["000005", "000006"]);
    }
}
