//! The page in a real browser, on the real program: every control changes what it says. `scripts/check_browser.sh` runs it.

// Counts of seconds are far below 2^52.
#![allow(clippy::cast_precision_loss)]

#[allow(dead_code)] // pictures are taken elsewhere
#[path = "browser/chromium.rs"]
mod chromium;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chromium::{Chromium, wait};
use serde_json::Value;

/// A run, and the address of its page.
struct Run(Child, String);

impl Run {
    fn start(folder: &Path, port: &str) -> Self {
        let port = format!("view.port={port}");
        let mut process = Command::new(env!("CARGO_BIN_EXE_napot"))
            .args(["demo", "--set", &port, "--retro", "kept.mcap"])
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = said.by_ref().map(Result::unwrap).find(|line| line.contains("http://")).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        std::thread::spawn(move || said.for_each(drop));
        Self(process, url)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn browser(folder: &Path, url: &str) -> Chromium {
    let program = std::env::var("NAPOT_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let tone = folder.join("none.wav");
    std::fs::create_dir_all(folder).unwrap();
    Chromium::open(&program, folder, &tone, url)
}

fn text(page: &mut Chromium, id: &str) -> String {
    let value = page.value(&format!("document.getElementById('{id}').textContent"));
    value.as_str().unwrap_or_default().to_owned()
}

/// Waits until an expression of the page holds.
fn until(page: &mut Chromium, what: &str, expression: &str) {
    wait(what, || (page.value(expression) == Value::Bool(true)).then_some(()));
}

fn click(page: &mut Chromium, id: &str) {
    page.value(&format!("document.getElementById('{id}').click()"));
}

fn press(page: &mut Chromium, key: &str) {
    page.value(&format!(
        "document.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
    ));
}

/// What a parameter's slider says of the run, in the order of the page.
fn slider(k: usize) -> String {
    format!("Number(document.getElementById('parameter-{k}').value)")
}

const LIVE: &str = "document.body.dataset.state === 'live'";

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn every_control_changes_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), "0");
    let mut page = browser(&folder.path().join("one"), &run.1);
    until(&mut page, "the run", LIVE);
    until(&mut page, "figures", "document.getElementById('clock').textContent !== '0:00.0'");

    // A slider, a state, and back.
    press(&mut page, "c");
    until(&mut page, "the controls", "!document.getElementById('hands').hidden");
    page.value(
        "(() => { const s = document.getElementById('parameter-0'); s.value = 1.7; s.dispatchEvent(new Event('input')); })()",
    );
    std::thread::sleep(Duration::from_secs(2));
    until(&mut page, "the exponent", &format!("Math.abs({} - 1.7) < 0.01", slider(0)));
    assert!(text(&mut page, "in-control").contains("This page"));
    page.value("document.querySelectorAll('#states button')[2].click()");
    until(
        &mut page,
        "deep",
        "document.querySelectorAll('#states button')[2].getAttribute('aria-pressed') === 'true'",
    );
    click(&mut page, "defaults");
    until(
        &mut page,
        "awake",
        "document.querySelectorAll('#states button')[0].getAttribute('aria-pressed') === 'true'",
    );

    // Time: pause, step, slow motion.
    press(&mut page, " ");
    until(&mut page, "the pause", "document.body.dataset.state === 'paused'");
    std::thread::sleep(Duration::from_millis(600));
    let held = text(&mut page, "clock");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(text(&mut page, "clock"), held);
    for _ in 0..8 {
        press(&mut page, ".");
        std::thread::sleep(Duration::from_millis(120));
    }
    wait("steps", || (text(&mut page, "clock") != held).then_some(()));
    page.value("(() => { const s = document.getElementById('speed'); s.value = '100'; s.dispatchEvent(new Event('change')); })()");
    until(
        &mut page,
        "slow motion",
        "document.body.dataset.state === 'live' && document.getElementById('health').textContent.includes('× 0.1')",
    );
    press(&mut page, "ArrowUp");
    until(&mut page, "faster", "document.getElementById('speed').value === '200'");
    page.value("(() => { const s = document.getElementById('speed'); s.value = '1000'; s.dispatchEvent(new Event('change')); })()");
    until(&mut page, "real time", "document.getElementById('speed').value === '1000'");
}

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn views_panels_strokes_notes_and_other_pages_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), "0");
    let mut page = browser(&folder.path().join("one"), &run.1);
    until(&mut page, "the run", LIVE);
    until(&mut page, "figures", "document.getElementById('clock').textContent !== '0:00.0'");
    press(&mut page, "c");

    // Views, palettes, panels, and the address that shows the same again.
    press(&mut page, "v");
    press(&mut page, "p");
    for (panel, canvas) in [
        ("waterfall", true),
        ("latency", false),
        ("log", false),
        ("head", true),
        ("raster", true),
        ("scope", true),
    ] {
        click(&mut page, &format!("{panel}-panel-tab"));
        assert_eq!(
            page.value(&format!("!document.getElementById('{panel}-panel').hidden")),
            Value::Bool(true),
            "{panel}"
        );
        if canvas {
            let told = page.value(&format!("document.getElementById('{panel}').getAttribute('aria-label')"));
            assert!(told.as_str().is_some_and(|told| told.len() > 10), "{panel}: {told}");
        }
    }
    let hash = page.value("location.hash");
    for part in ["view=wave", "palette=colour-blind", "lower=scope", "controls=1"] {
        assert!(hash.as_str().unwrap().contains(part), "{hash}");
    }
    page.reload();
    until(&mut page, "the run again", LIVE);
    assert_eq!(page.value("document.getElementById('view').value"), "wave");

    // A stroke raises bursts in its array; a note and a kept file are told.
    click(&mut page, "raster-panel-tab");
    page.value(
        "(() => { const c = document.querySelector('#sheets canvas'), b = c.getBoundingClientRect(); \
         c.setPointerCapture = () => {}; \
         c.dispatchEvent(new PointerEvent('pointerdown', { clientX: b.left + 40, clientY: b.top + 40, buttons: 1, bubbles: true })); })()",
    );
    page.value(
        "(() => { document.getElementById('annotate-text').value = 'eyes closed'; \
         document.getElementById('annotate').requestSubmit(); })()",
    );
    until(&mut page, "the note", "document.getElementById('log').textContent.includes('note: eyes closed')");
    press(&mut page, "r");
    until(
        &mut page,
        "the kept seconds",
        "document.getElementById('log').textContent.includes('kept the last')",
    );

    // Two pages agree on the band; one is in control.
    let mut other = browser(&folder.path().join("two"), &run.1);
    until(&mut other, "the run", LIVE);
    press(&mut other, "3");
    for page in [&mut page, &mut other] {
        until(
            page,
            "band 3",
            "document.querySelectorAll('#bands button')[2].getAttribute('aria-pressed') === 'true'",
        );
    }
    press(&mut other, "c");
    until(
        &mut other,
        "the other's control",
        "document.getElementById('in-control').textContent.includes('Another page')",
    );
    click(&mut other, "take");
    until(&mut other, "control", "document.getElementById('in-control').textContent.includes('This page')");

    // The stage, the palette of commands, the help.
    press(&mut page, "z");
    assert_eq!(page.value("document.body.dataset.stage !== undefined"), Value::Bool(true));
    press(&mut page, "z");
    page.value(
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))",
    );
    assert_eq!(page.value("document.getElementById('command-box').open && document.getElementById('command-list').children.length > 20"), Value::Bool(true));
    page.value("document.getElementById('command-box').close()");
    assert_eq!(page.value("document.getElementById('keys').children.length > 20"), Value::Bool(true));
}

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn a_page_comes_back_when_the_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), "18787");
    let mut page = browser(&folder.path().join("one"), &run.1);
    until(&mut page, "the run", LIVE);
    drop(run);
    until(&mut page, "the loss", "['lost', 'ended'].includes(document.body.dataset.state)");
    let _again = Run::start(folder.path(), "18787");
    until(&mut page, "the run again", LIVE);
}

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn no_view_and_no_palette_can_flash() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), "0");
    let mut page = browser(&folder.path().join("one"), &run.1);
    until(&mut page, "the run", LIVE);
    let bounds = page.value(
        "import('/palette.js').then(({ VIEWS, PALETTES, fieldTable, flashBounds }) => [true, false].flatMap((dark) => \
         VIEWS.flatMap((view) => PALETTES.map((palette) => ({ dark, view, palette, ...flashBounds(fieldTable(dark, view, palette)) })))))",
    );
    let bounds = bounds.as_array().unwrap();
    assert_eq!(bounds.len(), 12);
    for found in bounds {
        let [low, high, red] = ["low", "high", "red"].map(|key| found[key].as_f64().unwrap());
        println!("{found}");
        // WCAG 2.3.1: a flash is a change of relative luminance by a tenth or more, or to a saturated red (0.8 of it).
        assert!(high - low < 0.1 && red < 0.8, "{found}");
    }
}

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn pictures_drawn_a_second_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), "0");
    let mut page = browser(&folder.path().join("one"), &run.1);
    until(&mut page, "the run", LIVE);
    std::thread::sleep(Duration::from_secs(6));
    let mut rates = Vec::new();
    for _ in 0..10 {
        std::thread::sleep(Duration::from_secs(1));
        rates.push(
            page.value("Number(/page(\\d+) fps/.exec(document.getElementById('health').textContent)?.[1])"),
        );
    }
    println!("drawn a second: {rates:?}; health: {}", text(&mut page, "health"));
    assert!(rates.iter().all(|rate| rate.as_f64().is_some_and(|rate| rate > 5.0)), "{rates:?}");
}
