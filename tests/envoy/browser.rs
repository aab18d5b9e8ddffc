//! The demo as a person uses it, in Chromium: sign in through Envoy, see the page, sign out.
//!
//! Pictures of each step are in `target/tmp/envoy/`.

use std::process::Command;

use rustix::process::Signal;

use crate::harness::browser::Browser;
use crate::harness::logs;
use crate::harness::process::Process;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "brass-lever-1843";

/// The demo, which starts the application, the other service, the gate and Envoy; and the origin of its
/// pages.
fn start_demo() -> (Process, String) {
    let mut command = Command::new("python3");
    command.args(["tools/demo", "--binary", env!("CARGO_BIN_EXE_sessiongate")]);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("DEMO_PASSWORD", PASSWORD)
        .env("TMPDIR", logs::folder());
    for port in ["DEMO_PORT", "DEMO_ADMIN_PORT", "DEMO_GATE_PORT", "DEMO_APP_PORT", "DEMO_ORDERS_PORT"] {
        command.env(port, "0");
    }
    let mut demo = Process::start("demo", &mut command);
    let page = demo.wait_for_output("the address of its page", |said| {
        let is_ready = said.contains("Ctrl-C");
        let page =
            said.split_whitespace().find(|word| word.starts_with("http://") && word.ends_with("/dashboard"));
        page.filter(|_| is_ready).map(ToOwned::to_owned)
    });
    (demo, page.trim_end_matches("/dashboard").to_owned())
}

#[test]
fn a_person_signs_in_sees_the_page_and_another_service_and_signs_out() {
    let (mut demo, origin) = start_demo();
    let browser = Browser::start();
    let (page, login) =
        (format!("{origin}/dashboard?tab=1"), format!("{origin}/api/auth/signin?callbackUrl="));
    let orders = "return fetch('/orders/me').then((answer) => answer.status)";

    browser.open(&page);
    browser.wait_for_url(&login);
    browser.picture("browser-login");
    assert_eq!(browser.run(orders), 401);

    browser.type_into("input[name=email]", EMAIL);
    browser.type_into("input[name=password]", PASSWORD);
    browser.click("form[action$='/callback/credentials'] button");
    browser.wait_for_url(&page);
    assert_eq!(browser.text("#name"), "Ada Lovelace");
    assert_eq!(browser.text("#email"), EMAIL);
    assert_eq!(browser.text("#gate-id"), "u-1815");
    assert_eq!(browser.text("#gate-email"), EMAIL);

    browser.click("#load-orders");
    assert_eq!(browser.text("#orders caption"), format!("Orders of {EMAIL} (u-1815)"));
    browser.picture("browser-dashboard");
    assert_eq!(browser.run(orders), 200);

    browser.click("#sign-out");
    assert_eq!(browser.text("#who"), "You are not signed in.");
    assert_eq!(browser.url(), format!("{origin}/"));
    browser.picture("browser-signed-out");
    browser.open(&page);
    browser.wait_for_url(&login);
    assert_eq!(browser.run(orders), 401);

    demo.signal(Signal::TERM);
    assert_eq!(demo.wait().code(), Some(0), "{}", demo.output());
}
