//! Reads Rust just well enough: code without comments and texts, code without tests, paths that are named.

use std::collections::BTreeSet;

use super::Files;

/// `text` with comments and the inside of string and character literals blanked; lines stay where they are.
pub fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' if !continues_a_word(bytes, at, b"bc") => raw_string_end(bytes, at),
            b'\'' => character_end(bytes, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// The end of `r"…"` or `r#"…"#`; `at` itself where it is only a word that begins with r.
fn raw_string_end(bytes: &[u8], at: usize) -> usize {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(at + 1 + hashes) != Some(&b'"') {
        return at;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let inside = at + 2 + hashes;
    bytes[inside..]
        .windows(close.len())
        .position(|window| window == close)
        .map_or(bytes.len(), |length| inside + length + close.len())
}

/// The end of `'x'`, `'\n'`, `'é'`; `at` itself where it is a lifetime.
fn character_end(bytes: &[u8], at: usize) -> usize {
    let closing =
        |from: usize| bytes[from..].iter().take(12).position(|byte| *byte == b'\'').map(|n| from + n + 1);
    match bytes.get(at + 1) {
        Some(b'\\') if at + 3 <= bytes.len() => closing(at + 3).unwrap_or(at),
        Some(byte) if byte.is_ascii() && bytes.get(at + 2) == Some(&b'\'') => at + 3,
        Some(byte) if !byte.is_ascii() => closing(at + 1).unwrap_or(at),
        _ => at,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word goes on at `at`, letters of `prefixes` alone aside.
fn continues_a_word(bytes: &[u8], at: usize, prefixes: &[u8]) -> bool {
    let Some(before) = at.checked_sub(1).map(|index| bytes[index]) else { return false };
    if prefixes.contains(&before) {
        return at >= 2 && is_word(bytes[at - 2]);
    }
    is_word(before)
}

/// Where `word` stands in `code` as a whole word.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let after = bytes.get(at + word.len()).is_some_and(|byte| is_word(*byte));
        !continues_a_word(bytes, *at, b"") && !after
    })
}

/// The line, counted from 1, of a place.
pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// [`bare`] code without the items under `#[cfg(test)]`.
pub fn live(text: &str) -> String {
    let code = bare(text);
    let mut out = code.clone().into_bytes();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        for byte in &mut out[at..item_end(&code, at)] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(out).unwrap()
}

/// The end of the item that begins at `at`: its closing brace, or a semicolon before any.
fn item_end(code: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[at..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + offset + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// Paths of files that are only built for tests: by their name, or declared `#[cfg(test)] mod name;`.
pub fn test_files(files: &Files) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".rs")) {
        if path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs") {
            found.insert(path.clone());
        }
        let code = bare(text);
        for (at, attribute) in code.match_indices("#[cfg(test)]") {
            let item = code[at + attribute.len()..item_end(&code, at)].trim();
            if let Some(name) = item.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                let folder = folder_of_children(path);
                found.insert(format!("{folder}/{name}.rs"));
                found.insert(format!("{folder}/{name}/mod.rs"));
            }
        }
    }
    found
}

/// Where the modules that `path` declares lie.
fn folder_of_children(path: &str) -> &str {
    let own = ["/mod.rs", "/lib.rs", "/main.rs"].iter().find_map(|name| path.strip_suffix(name));
    own.unwrap_or_else(|| path.strip_suffix(".rs").unwrap_or(path))
}

/// First names of all `crate::…` paths (groups in braces included), with their places.
pub fn crate_names(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in words(code, "crate") {
        let Some(rest) = code[at + "crate".len()..].trim_start().strip_prefix("::") else { continue };
        let rest = rest.trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group).into_iter().map(|name| (at, name))),
            None => found.extend(head(rest).map(|name| (at, name))),
        }
    }
    found
}

/// The word at the start of `text`.
fn head(text: &str) -> Option<String> {
    let length = text.bytes().take_while(|byte| is_word(*byte)).count();
    (length > 0).then(|| text[..length].to_owned())
}

/// The first names of the entries of a `use` group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut fresh) = (0_usize, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if fresh && !letter.is_whitespace() => {
                found.extend(head(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// Runs of `super::`: how many, the name that follows, and the place.
pub fn ascents(code: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut after = 0;
    for at in words(code, "super") {
        if at < after {
            continue;
        }
        let (mut climbs, mut rest) = (0, &code[at..]);
        while let Some(next) = rest.strip_prefix("super").and_then(|rest| rest.strip_prefix("::")) {
            climbs += 1;
            rest = next;
        }
        after = code.len() - rest.len();
        found.extend(head(rest).map(|name| (at, climbs, name)));
    }
    found
}

#[test]
fn comments_texts_and_characters_are_blanked_and_lifetimes_are_not() {
    let text = "let a = \"unsafe \\\" x\"; // unsafe\n/* a /* b */ unsafe */ fn f<'a>(x: &'a str) { '\"'; '\\''; 'é'; r#\"un\"safe\"#; br\"x\" }";
    let code = bare(text);
    assert!(!code.contains("unsafe") && !code.contains("safe"), "{code}");
    assert!(code.contains("fn f<'a>(x: &'a str) {") && code.trim_end().ends_with('}'), "{code}");
    assert_eq!((code.len(), code.lines().count()), (text.len(), 2));
}

#[test]
fn tests_are_not_live_and_what_follows_them_is() {
    let code = live(
        "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { if x { y } } }\nfn c() {}\n#[cfg(test)] mod d;\nfn e() {}",
    );
    for (name, stays) in [("fn a", true), ("fn b", false), ("fn c", true), ("mod d", false), ("fn e", true)] {
        assert_eq!(code.contains(name), stays, "{name} in {code}");
    }
}

#[test]
fn a_module_declared_for_tests_is_a_test_file() {
    let mut files = Files::new();
    files.insert("src/a/mod.rs".into(), "#[cfg(test)]\nmod look;\nmod b;".into());
    files.insert("src/a/b.rs".into(), "#[cfg(test)]\nmod deep;".into());
    let tests = test_files(&files);
    assert!(tests.contains("src/a/look.rs") && tests.contains("src/a/b/deep.rs"));
    assert!(!tests.contains("src/a/b.rs"));
}

#[test]
fn crate_paths_are_found_in_groups_and_in_expressions() {
    let names = |code: &str| crate_names(code).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("use crate::{a::{b, c}, d,\n e::f as g};"), ["a", "d", "e"]);
    assert_eq!(names("crate::h::i(pub(crate) j, crate ::k); my_crate::l"), ["h", "k"]);
    assert_eq!(ascents("use super::super::a::b; super::c"), [(4, 2, "a".into()), (24, 1, "c".into())]);
}
