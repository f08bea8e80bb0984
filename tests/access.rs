//! `--listen`: what the terminal tells of the token, what the report keeps, and which calls are refused.

#[allow(dead_code)] // runs with a page are started here
mod small;

use std::path::Path;
use std::process::{Command, Output};

use small::{SETTINGS, said, whole_outputs};

/// A second of the room with its page, on small arrays.
fn demo(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.args(["demo", "--for", "1", "--out", "run", "--set", "view.port=0"]).args(SETTINGS);
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_address_with_the_token_is_told_once_and_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    for (listen, quiet) in [("0.0.0.0", false), ("0.0.0.0", true)] {
        let verbosity: &[&str] = if quiet { &["--quiet"] } else { &[] };
        let run = demo(folder.path(), &[&["--listen", listen], verbosity].concat());
        assert!(run.status.success(), "{}", said(&run));
        let told = said(&run);
        let (_, rest) = told.split_once("/?token=").expect("the address is told, even where little is");
        let token = rest.split_whitespace().next().unwrap();
        assert_eq!(token.len(), 32, "192 bits, six to a letter");
        assert!(!rest[token.len()..].contains(token));
        assert_eq!(told.contains("unencrypted"), !quiet);
        let report = whole_outputs(&folder.path().join("run"));
        assert_eq!(report["view"]["viewers"], 0);
        for entry in std::fs::read_dir(folder.path().join("run")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()));
        }
    }
}

#[test]
fn on_the_loopback_address_there_is_no_token_and_without_a_page_no_figures() {
    let folder = tempfile::tempdir().unwrap();
    let run = demo(folder.path(), &[]);
    assert!(said(&run).contains("http://127.0.0.1:") && !said(&run).contains("token"), "{}", said(&run));
    assert!(whole_outputs(&folder.path().join("run"))["view"]["refused"].is_object());
    let run = demo(folder.path(), &["--no-view"]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(whole_outputs(&folder.path().join("run"))["view"].is_null());
}

#[test]
fn a_run_that_cant_be_shown_or_heard_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("view.port={}", taken.local_addr().unwrap().port());
    for (arguments, code, part) in [
        (&["--set", &port][..], 3, "the port is taken"),
        (&["--terminal"], 2, "no terminal"),
        (&["--send", "osc:no.such.host.invalid:9"], 3, "not known"),
    ] {
        let run = demo(folder.path(), &[arguments, &["--record", "a.mcap"]].concat());
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {}", said(&run));
        assert!(said(&run).contains(part), "{arguments:?}: {}", said(&run));
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "{arguments:?}");
    }
}

#[test]
fn calls_that_make_no_sense_are_refused_before_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, parts) in [
        (&["--listen", "here"][..], 2, &["--listen", "here"][..]),
        (&["--listen", "0.0.0.0", "--no-view"], 2, &["--listen", "--no-view"]),
        (&["--listen", "0.0.0.0", "--set", "view.open=true"], 2, &["view.open", "token"]),
        // Set aside for documentation: no machine has it.
        (&["--listen", "203.0.113.7"], 3, &["view.listen", "203.0.113.7", "127.0.0.1"]),
    ] {
        let run = demo(folder.path(), arguments);
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {}", said(&run));
        for part in parts {
            assert!(said(&run).contains(part), "{arguments:?}: no `{part}` in {}", said(&run));
        }
    }
}
