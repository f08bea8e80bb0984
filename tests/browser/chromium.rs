//! A headless Chromium with made-up devices, steered over its `DevTools` protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// A browser that ends with this value.
pub struct Chromium {
    child: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    calls: u64,
}

/// What a browser of a check needs: no display, no network of its own, devices that need no consent.
const ARGUMENTS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--window-size=1440,900",
    "--remote-debugging-port=0",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=fps=30",
    "--autoplay-policy=user-gesture-required",
];

impl Chromium {
    /// Opens `url` with a fresh profile in `folder` and a microphone that plays the WAV file `tone`.
    pub fn open(program: &str, folder: &Path, tone: &Path, url: &str) -> Self {
        let child = Command::new(program)
            .args(ARGUMENTS)
            .arg(format!("--use-file-for-fake-audio-capture={}", tone.display()))
            .arg(format!("--user-data-dir={}", folder.display()))
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|cause| panic!("{program} can't be started: {cause}"));
        let port = wait("DevTools' port", || {
            let text = std::fs::read_to_string(folder.join("DevToolsActivePort")).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let target = wait("the page", || {
            let pages = ask(port, "/json/list")?;
            let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
            Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
        });
        let (socket, _) = tungstenite::connect(target).unwrap();
        Self { child, socket, calls: 0 }
    }

    /// Calls a method of the `DevTools` protocol and gives its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let call = json!({ "id": self.calls, "method": method, "params": parameters });
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let call = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.call("Runtime.evaluate", &call)["result"]["value"].clone()
    }

    /// Loads the page again.
    pub fn reload(&mut self) {
        self.call("Page.reload", &json!({}));
    }

    /// Writes a picture of the page, in the colour scheme `dark` or `light`, as a PNG file.
    pub fn shoot(&mut self, scheme: &str, path: &Path) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
        // The page repaints what it draws itself at the next frame.
        std::thread::sleep(Duration::from_millis(500));
        let shot = self.call("Page.captureScreenshot", &json!({}));
        let bytes = data_encoding::BASE64.decode(shot["data"].as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks every 50 ms until there is something; fails after half a minute.
pub fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come within 30 s");
}

fn ask(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    // A server that keeps the connection open is cut off by the time limit; what came counts.
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8(answer).ok()?;
    serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
}
