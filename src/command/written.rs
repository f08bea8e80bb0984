//! Where a command may write: into a file of the kind that it writes, in a folder that is there, and never over what it reads.

use std::path::Path;

use super::Common;
use crate::error::{Error, Result};

/// The file that `--out` names.
pub(super) fn out<'a>(common: &'a Common, bound: &str) -> Result<&'a Path> {
    let Some(file) = common.out.as_deref() else {
        return Err(Error::call("--out", "there is no file to write to").bound(bound));
    };
    if file.is_dir() {
        return Err(Error::call("--out", "this is a folder").value(file.display()).bound(bound));
    }
    Ok(file)
}

/// Whether a file's name has one of these endings.
pub(super) fn ends(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|own| endings.iter().any(|ending| own.eq_ignore_ascii_case(ending)))
}

/// Refuses a name that says another kind than what is written.
pub(super) fn of_kind(flag: &str, file: &Path, endings: &[&str], bound: &str) -> Result<()> {
    if ends(file, endings) {
        return Ok(());
    }
    Err(Error::call(flag, "files of this kind are not written here").value(file.display()).bound(bound))
}

/// Refuses a file whose folder is missing: better now than after the work.
pub(super) fn in_a_folder(flag: &str, file: &Path) -> Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(Error::call(flag, "there is no such folder").value(folder.display())),
        None => Ok(()),
    }
}

/// Refuses to write over what is read, by whatever name.
pub(super) fn spare<P: AsRef<Path>>(
    flag: &str,
    file: &Path,
    read: impl IntoIterator<Item = P>,
) -> Result<()> {
    let Ok(there) = file.canonicalize() else { return Ok(()) };
    if read.into_iter().any(|read| read.as_ref().canonicalize().is_ok_and(|read| read == there)) {
        return Err(Error::call(flag, "this file is read").value(file.display()).bound("another file"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_never_written_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        std::fs::write(&file, b"a").unwrap();
        let (by_another_name, new) = (folder.path().join("./a.png"), folder.path().join("b.png"));
        assert!(spare("--out", &by_another_name, [&file]).is_err());
        assert!(spare("--out", &new, [&file]).is_ok());
        assert!(spare("--out", &file, [&new]).is_ok(), "what is not there is not read");
    }

    #[test]
    fn a_name_says_what_is_written() {
        assert!(of_kind("--out", Path::new("x.PNG"), &["png"], "x.png").is_ok());
        for name in ["x.jpg", "x", "png"] {
            assert!(of_kind("--out", Path::new(name), &["png"], "x.png").is_err(), "{name}");
        }
    }
}
