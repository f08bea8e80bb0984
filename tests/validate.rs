//! `napot validate`: its list has the shape that scripts rely on, and a quick one passes.

use std::process::{Command, Output};

use serde_json::Value;

fn validate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_napot")).arg("validate").args(arguments).output().unwrap()
}

#[test]
fn a_quick_validation_prints_one_list_and_every_row_passes() {
    let output = validate(&["--quick", "--json"]);
    let rows: Value = serde_json::from_slice(&output.stdout).expect("one JSON document on standard output");
    let rows = rows.as_array().unwrap();
    assert!(rows.len() > 40, "only {} rows", rows.len());
    for row in rows {
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 6, "{row}");
        let (name, source) = (row["name"].as_str().unwrap(), row["source"].as_str().unwrap());
        assert!(!name.is_empty() && !source.is_empty());
        let number =
            |value: &Value| value.as_f64().unwrap_or_else(|| panic!("`{name}` lacks a number: {row}"));
        let (measured, low, high) =
            (number(&row["measured"]), number(&row["interval"][0]), number(&row["interval"][1]));
        number(&row["expected"]);
        let inside = (low..=high).contains(&measured);
        assert_eq!(row["pass"].as_bool(), Some(inside), "`{name}` says otherwise than its interval: {row}");
        assert!(inside, "`{name}` is outside its interval: {row}");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_part_that_a_quick_validation_lacks_is_not_named_as_one_that_it_has() {
    let told = |arguments: &[&str]| {
        let output = validate(arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let quick = told(&["--quick", "--only", "tonic spectrum"]);
    assert!(!quick.contains("The tonic spectrum") && quick.contains("The energy book"), "{quick}");
    assert!(quick.contains("Without --quick there are more."), "{quick}");
    let whole = told(&["--only", "no such part"]);
    assert!(whole.contains("The tonic spectrum") && !whole.contains("--quick"), "{whole}");
}

#[test]
fn another_array_than_the_default_is_refused() {
    let output = validate(&["--quick", "--set", "array.kappa=1"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the default array") && said.contains("--seed"), "{said}");
}
