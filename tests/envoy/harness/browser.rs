//! Chromium, driven as a person would use it, over the W3C's `WebDriver` protocol: JSON over HTTP, of which
//! we need eight commands.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http1::Call;
use super::logs;
use super::polling::{wait_for, wait_until};
use super::process::Process;

/// The key under which `WebDriver` hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a fresh profile. It and its driver end with this value.
pub struct Browser {
    driver: SocketAddr,
    session: String,
    _process: Process,
}

impl Browser {
    pub fn start() -> Self {
        let mut process = Process::start("chromedriver", Command::new("chromedriver").arg("--port=0"));
        let driver = process.wait_for_output("its port", |log| {
            let port = log.split("started successfully on port ").nth(1)?.split('.').next()?;
            port.parse().ok().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)))
        });
        // The sandbox needs rights that a container does not give; the pages are our own.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,1300"];
        let chromium = json!({"binary": "/usr/bin/chromium", "args": arguments});
        let capabilities = json!({"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": chromium}});
        let session = command(driver, "POST", "/session", &json!({"capabilities": capabilities}))
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}; run `make tools`"));
        let session = session["sessionId"].as_str().expect("a session id").to_owned();
        Self { driver, session, _process: process }
    }

    /// Goes to a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.must("POST", "/url", &json!({"url": url}));
    }

    /// The address that the browser shows.
    pub fn url(&self) -> String {
        let url = self.must("GET", "/url", &Value::Null);
        url.as_str().expect("a string").to_owned()
    }

    /// Waits until the browser is at an address that begins so.
    pub fn wait_for_url(&self, beginning: &str) {
        wait_until(&format!("the browser to be at {beginning}"), || self.url().starts_with(beginning));
    }

    /// The visible text of an element, once it has some.
    pub fn text(&self, css: &str) -> String {
        wait_for(&format!("text in {css}"), || {
            let text = self.on_element(css, "GET", "/text", &Value::Null).ok()?;
            text.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        })
    }

    /// Clicks on an element, once it can be clicked on.
    pub fn click(&self, css: &str) {
        wait_until(&format!("{css} to be clicked"), || {
            self.on_element(css, "POST", "/click", &json!({})).is_ok()
        });
    }

    /// Types into a field, once it is there.
    pub fn type_into(&self, css: &str, text: &str) {
        let keys = json!({"text": text});
        wait_until(&format!("{css} to be typed into"), || {
            self.on_element(css, "POST", "/value", &keys).is_ok()
        });
    }

    /// What the page's own script gets for the last expression of `script`, which may be a promise.
    pub fn run(&self, script: &str) -> Value {
        self.must("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Empties a field.
    pub fn clear(&self, css: &str) {
        wait_until(&format!("{css} to be emptied"), || {
            self.on_element(css, "POST", "/clear", &json!({})).is_ok()
        });
    }

    /// The size of the page as it is seen, in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.tools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// `light` or `dark`, as a person may prefer.
    pub fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tools("Emulation.setEmulatedMedia", &features);
    }

    /// A command of Chromium's own developer tools.
    fn tools(&self, command: &str, parameters: &Value) {
        self.must("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    /// Keeps a picture of the page beside the logs.
    pub fn picture(&self, name: &str) -> PathBuf {
        let picture = self.must("GET", "/screenshot", &Value::Null);
        let bytes = STANDARD.decode(picture.as_str().expect("a string")).expect("base64");
        let file = logs::file(name, "png");
        fs::write(&file, bytes).expect("a file for the picture");
        file
    }

    fn on_element(&self, css: &str, method: &str, what: &str, body: &Value) -> Result<Value, String> {
        let found = self.ask("POST", "/element", &json!({"using": "css selector", "value": css}))?;
        let element = found[ELEMENT].as_str().ok_or("no element")?;
        self.ask(method, &format!("/element/{element}{what}"), body)
    }

    fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        command(self.driver, method, &format!("/session/{}{path}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It takes its profile with it; the process group is killed in any case.
        let _ = self.ask("DELETE", "", &Value::Null);
    }
}

/// Sends a `WebDriver` command; the `value` of its answer.
fn command(driver: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let call = Call::new(method, path).host(&driver.to_string());
    let call = if body.is_null() { call } else { call.body("application/json", &body.to_string()) };
    let answer = call.send(driver);
    let mut content: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let value = content["value"].take();
    if answer.status == 200 { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
}
