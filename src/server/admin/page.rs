//! The explanation as a page: complete in itself, with or without scripts.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::explain::Typed;
use crate::explain::{Condition, Judged, Outcome, Report, Verification};
use crate::policy::decision::Decision;

const STYLE: &str = include_str!("explain.css");
/// It only spares typing: the answer takes its place without the form being emptied.
const SCRIPT: &str = include_str!("explain.js");

/// Nothing but this page's own style and script, and its own form.
pub(super) fn security_policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// The form with what was typed, but for headers and cookies, which can be secret; and what came of it.
pub(super) fn page(typed: &Typed, found: Option<Result<&Report<'_>, &str>>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Explain a request – sessiongate" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#result" { "To the decision" }
                header { h1 { "Explain a request" } p { "What sessiongate would decide, and why. Nothing is kept or logged." } }
                main {
                    (form(typed))
                    section #result aria-live="polite" tabindex="-1" {
                        @match found {
                            None => { p.empty { "The decision appears here." } }
                            Some(Err(message)) => { p.mistake role="alert" { (message) } }
                            Some(Ok(report)) => { (explained(report)) }
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn form(typed: &Typed) -> Markup {
    html! {
        form #request method="post" action="/explain" autocomplete="off" {
            div.line {
                label.method { span { "Method" } input name="method" value=(typed.method) required spellcheck="false" list="methods"; }
                label.url { span { "URL" } input name="url" value=(typed.url) required spellcheck="false" placeholder="https://app.example.com/dashboard"; }
            }
            datalist #methods { @for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] { option value=(method); } }
            label { span { "Headers" small { "one a line, as in " code { "accept: text/html" } } } textarea name="headers" rows="3" spellcheck="false" {} }
            label { span { "Cookies" small { "one a line, as in " code { "authjs.session-token=…" } } } textarea name="cookies" rows="3" spellcheck="false" {} }
            details open[!(typed.context.is_empty() && typed.source.is_empty())] {
                summary { "What the proxy knows" }
                label { span { "Client address" } input name="source" value=(typed.source) spellcheck="false" placeholder="203.0.113.7"; }
                label { span { "Context extensions" small { "one a line, as in " code { "sessiongate.rule=admin" } } } textarea name="context" rows="2" spellcheck="false" { (typed.context) } }
            }
            button { "Explain" }
        }
    }
}

fn explained(report: &Report<'_>) -> Markup {
    let Report { method, target, explanation, decision, .. } = report;
    let host = if target.host.is_empty() { "no host" } else { target.host };
    html! {
        div.verdict data-decision=(decision.label()) {
            h2 { (decision.label()) }
            p { "because of " strong { (decision.reason()) } @if !decision.rule().is_empty() { ", by the rule " strong { (decision.rule()) } } }
        }
        ol.steps {
            li { h3 { "Request" } p { code { (method) " " (visible(target.path)) } " on " code { (host) } } }
            li {
                h3 { "Path" }
                @if explanation.readings.is_empty() { p { "It cannot be read as a path." } }
                @for reading in &explanation.readings {
                    p { code { (visible(&reading.path)) } " → " strong { (reading.rule) } ": " (reading.why) }
                }
            }
            @for judged in &explanation.rules { (rule(judged)) }
            li { h3 { "Answer" } (answer(report)) }
        }
        h3 #rules { "Rules, in order" }
        div.scroll tabindex="0" role="region" aria-labelledby="rules" {
            table {
                thead { tr { th scope="col" { "#" } th scope="col" { "Rule" } th scope="col" { "For" } th scope="col" { "Access" } th scope="col" { "Outcome" } } }
                tbody {
                    @for (at, row) in explanation.table.iter().enumerate() {
                        tr data-outcome=(word(row.outcome)) {
                            td { (at + 1) }
                            th scope="row" { (row.rule) }
                            td { @for source in &row.matchers { code { @if source.is_empty() { "every path" } @else { (source) } } " " } @if row.matchers.is_empty() { "the rest" } }
                            td { (row.access) @if let Some(condition) = &row.condition { " if " code { (condition) } } }
                            td { (word(row.outcome)) }
                        }
                    }
                }
            }
        }
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Decides => "decides",
        Outcome::Missed => "does not match",
        Outcome::NotReached => "not reached",
    }
}

fn rule(judged: &Judged) -> Markup {
    html! {
        li {
            h3 { "Rule " (judged.rule) }
            p { "Access: " strong { (judged.access) } }
            @for verification in &judged.providers { (session(verification)) }
            @for condition in &judged.conditions { (held(condition)) }
        }
    }
}

fn session(verification: &Verification) -> Markup {
    let Verification { provider, credential, result, message } = verification;
    html! {
        p { "Session of " strong { (provider) } ": " (result) @if let Some(credential) = credential { " – " (credential) } small { " " (message) } }
    }
}

fn held(condition: &Condition) -> Markup {
    html! {
        p { "Condition " code { (condition.source) } " is " strong { (condition.result) } }
        dl {
            @for (name, value) in &condition.parameters { dt { "params." (name) } dd { code { (value) } } }
            @for part in &condition.parts {
                dt { code { (part.source) } }
                dd { @match (&part.value, &part.error) { (Some(value), _) => code { (value) }, (None, error) => (error.as_deref().unwrap_or_default()) } }
            }
        }
    }
}

/// What the upstream gets of a request that passes, else what the client does.
fn answer(report: &Report<'_>) -> Markup {
    if let Decision::Allow(permit) = &report.decision {
        let removed: Vec<&str> = permit.upstream.remove.iter().map(AsRef::as_ref).collect();
        return html! {
            p { "The upstream gets the request with these headers:" }
            dl { @for (name, value) in &permit.upstream.set { dt { (name) } dd { code { (told(name, value)) } } } }
            @if !removed.is_empty() {
                details { summary { "and without what the client sent under " (removed.len()) " other names" } p { code { (removed.join(", ")) } } }
            }
            @if !permit.set_cookies.is_empty() { p { "The session is renewed: the browser gets " (permit.set_cookies.len()) " cookies." } }
            @if let Some(claims) = &report.assertion {
                p { "The assertion says:" }
                dl { @for (name, value) in claims { dt { (name) } dd { code { (value) } } } }
            }
        };
    }
    let Some(answer) = report.decision.answer() else { return html! {} };
    html! {
        p { "The client gets " strong { (answer.status) } ":" }
        dl { @for (name, value) in &answer.headers { dt { (name) } dd { code { (value) } } } }
        @if !answer.body.is_empty() { pre { (answer.body) } }
    }
}

/// A header that is a token, or holds one, is not shown.
fn told<'t>(name: &str, value: &'t str) -> &'t str {
    let is_token =
        value.split(' ').next_back().is_some_and(|last| last.matches('.').count() >= 2 && last.len() > 60);
    if is_token || matches!(name, "cookie" | "authorization") { "(not shown)" } else { value }
}

/// A decoded path can hold what no eye sees.
fn visible(text: &str) -> String {
    text.escape_debug().to_string()
}
