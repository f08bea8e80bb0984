//! The page's types, made from the messages that the server sends and takes: a test keeps `page/messages.d.ts`.

use std::collections::BTreeMap;

use ts_rs::{Config, TS, TypeVisitor};

use super::protocol::{Answer, Described, Figures, Request};
use crate::signal::TraceChunk;

/// Where the types are kept: for editors and `scripts/check_page.sh`; nobody is served them.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/view/page/messages.d.ts");

const HEAD: &str = "\
// The JSON on the page's WebSocket, made from the Rust types that it is written from and read into.
// Not for hands: `cargo test --lib messages_are_written -- --ignored` makes it anew.
// Integers of 64 bits are numbers too: all that are sent stay below 2^53, where a script's numbers end. What the words
// call `None` is null.
";

/// The declarations of the types that were visited, by name.
struct Declarations {
    config: Config,
    by_name: BTreeMap<String, String>,
}

impl Declarations {
    fn new() -> Self {
        Self { config: Config::new().with_large_int("number"), by_name: BTreeMap::new() }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only what was derived here has a place to be written to; `number` and the like are the language's own.
        if T::output_path().is_none() || self.by_name.contains_key(&T::name(&self.config)) {
            return;
        }
        let declared = format!("{}export {}", T::docs().unwrap_or_default(), T::decl(&self.config));
        self.by_name.insert(T::name(&self.config), laid_out(&declared));
        T::visit_dependencies(self);
    }
}

/// A line for each field and for each short word about it: as `ts-rs` writes them they can't be read.
fn laid_out(declared: &str) -> String {
    let declared = declared.replace("/**\n * ", "/** ").replace("\n */", " */").replace(", }", ",\n}");
    let mut inside = false;
    let mut text = String::new();
    for line in declared.lines().map(str::trim_end) {
        let indent = if inside && !line.starts_with('}') { "  " } else { "" };
        text.extend([indent, line, "\n"]);
        inside |= line.starts_with("export");
    }
    text
}

/// All messages and what they hold.
fn declarations() -> String {
    let mut found = Declarations::new();
    found.visit::<Figures>();
    found.visit::<TraceChunk>();
    found.visit::<Described>();
    found.visit::<Answer>();
    found.visit::<Request>();
    let all: Vec<String> = found.by_name.into_values().collect();
    format!("{HEAD}\n{}", all.join("\n"))
}

#[test]
fn the_page_knows_the_messages_as_they_are() {
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        kept == declarations(),
        "{FILE} is not of these messages: `cargo test --lib messages_are_written -- --ignored` makes it anew"
    );
}

#[test]
#[ignore = "writes src/view/page/messages.d.ts"]
fn messages_are_written() {
    std::fs::write(FILE, declarations()).unwrap();
}

#[test]
fn types_are_those_of_the_json() {
    /// How far it went.
    #[derive(TS)]
    #[allow(dead_code)] // its fields are read by the derive alone
    struct Way {
        /// Since the start.
        steps: u64,
        /// Where it is known.
        metres: Option<f32>,
    }
    let mut found = Declarations::new();
    found.visit::<Vec<Way>>();
    assert!(found.by_name.is_empty(), "a list is the language's own");
    found.visit::<Way>();
    assert_eq!(
        found.by_name["Way"],
        "/** How far it went. */\nexport type Way = {\n  /** Since the start. */\n  steps: number,\n  \
         /** Where it is known. */\n  metres: number | null,\n};\n"
    );
}
