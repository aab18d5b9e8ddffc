//! `/explain`: a page on which a request is typed, and each step of its decision is seen. Nothing that is typed is kept
//! or logged.

use std::time::SystemTime;

use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use serde::Deserialize;

use super::Admin;
use super::page;
use crate::explain::{Asked, explain};

/// What was typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) method: String,
    pub(super) url: String,
    /// One `name: value` a line.
    pub(super) headers: String,
    /// One `name=value` a line, or as a Cookie header has them.
    pub(super) cookies: String,
    /// One `name=value` a line.
    pub(super) context: String,
    pub(super) source: String,
}

/// What was typed cannot be read; for who typed it.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("Headers, line {0}: write it as `name: value`.")]
    Header(usize),
    #[error("Context extensions, line {0}: write it as `name=value`.")]
    Context(usize),
    #[error("Method: write one, as in GET.")]
    NoMethod,
}

/// The empty form.
pub(super) async fn form() -> Response {
    let typed = Typed { method: "GET".to_owned(), url: "/".to_owned(), ..Typed::default() };
    shown(StatusCode::OK, page::page(&typed, None))
}

/// The form, and the decision on what was typed into it.
pub(super) async fn answer(State(admin): State<Admin>, Form(typed): Form<Typed>) -> Response {
    let program = admin.current.load_full();
    let asked = match asked(&typed) {
        Ok(asked) => asked,
        Err(error) => return mistaken(&typed, &error.to_string()),
    };
    let explained = explain(&program.gate, &asked, SystemTime::now()).await;
    match explained {
        Ok(report) => shown(StatusCode::OK, page::page(&typed, Some(Ok(&report)))),
        Err(error) => mistaken(&typed, &format!("URL: {error}.")),
    }
}

fn mistaken(typed: &Typed, message: &str) -> Response {
    shown(StatusCode::UNPROCESSABLE_ENTITY, page::page(typed, Some(Err(message))))
}

fn asked(typed: &Typed) -> Result<Asked, Unreadable> {
    let method = typed.method.trim();
    if method.is_empty() {
        return Err(Unreadable::NoMethod);
    }
    let headers = lines(&typed.headers).map(|(at, line)| {
        let (name, value) = line.split_once(':').ok_or(Unreadable::Header(at))?;
        Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    let context = lines(&typed.context).map(|(at, line)| {
        let (name, value) = line.split_once('=').ok_or(Unreadable::Context(at))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    });
    Ok(Asked {
        method: method.to_owned(),
        url: typed.url.trim().to_owned(),
        headers: headers.collect::<Result<_, _>>()?,
        cookies: lines(&typed.cookies).map(|(_, line)| line.trim_end_matches(';').to_owned()).collect(),
        context: context.collect::<Result<_, _>>()?,
        source: typed.source.trim().to_owned(),
        principal: String::new(),
    })
}

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty())
}

/// A page that nobody keeps, that loads nothing from elsewhere, and that no other page can show.
fn shown(status: StatusCode, page: Markup) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, page::security_policy()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
    ];
    (status, headers, page.into_string()).into_response()
}
