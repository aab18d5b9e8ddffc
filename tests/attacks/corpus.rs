//! The cases as they are written, one file a weakness. Unknown keys are errors, and so is a case that could not fail.

use std::fs;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use indexmap::IndexMap;
use serde::Deserialize;

use crate::tokens;

/// Where requests go unless they say something else.
const HOST: &str = "app.example.com";

/// A published weakness, and what is asked here to see whether we have it too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name of its file.
    #[serde(skip)]
    pub name: String,
    pub title: String,
    /// What it was, in our own words, and what must happen instead.
    pub about: String,
    /// Whom it hit.
    pub affected: String,
    /// Where it was published: numbers of CVE and GHSA.
    pub source: Vec<String>,
    /// Which of the two gates is asked.
    #[serde(default)]
    pub gate: GateName,
    pub requests: Vec<Written>,
}

/// The configurations: `sessiongate.yaml`, and `sessiongate-next.yaml` with a base path and locales.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum GateName {
    #[default]
    Main,
    Next,
}

/// By which way a request comes.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Through Envoy, twice: it tells the gate headers joined, and one by one.
    #[default]
    Envoy,
    /// Through an Envoy that lets a request pass where the gate gives no answer, as the weaknesses of its protocol needed.
    FailingOpen,
    /// The same behind a balancer that speaks the PROXY protocol and tells `tlv`.
    ProxyProtocol,
    /// To the gate's forward-auth listener, as a proxy would ask.
    ForwardAuth,
    /// Through a real Caddy that asks the gate's forward-auth listener.
    Caddy,
}

/// One kind of request; sent once for each path, host and header of its lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What it tries, in words.
    pub asks: String,
    /// An honest neighbour, which shows that the rest is not refused because everything is.
    #[serde(default)]
    pub control: bool,
    #[serde(default)]
    pub door: Door,
    #[serde(default = "get")]
    pub method: String,
    pub path: OneOrMore<String>,
    #[serde(default = "host")]
    pub host: OneOrMore<String>,
    /// Header lines in their order, `name: value`, behind Host.
    #[serde(default)]
    pub headers: Vec<String>,
    /// One of these is sent behind `headers`, each in a request of its own.
    #[serde(default)]
    pub with_each: Vec<String>,
    /// The value of a TLV of the PROXY protocol.
    pub tlv: Option<String>,
    pub expect: Expected,
}

/// What has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whether it reaches the service behind.
    pub passes: bool,
    /// The status that sessiongate (or Envoy before it) answers with; another server is free to choose.
    pub status: Option<OneOrMore<u16>>,
    /// Headers that the service gets, with exactly this value, whatever their spelling.
    #[serde(default)]
    pub seen: IndexMap<String, String>,
    /// Headers that it must not get, in no spelling.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// The origin to which a browser must be sent, and to which everything in the query of the redirect leads.
    pub origin: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    pub fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Shape {
    pub method: String,
    pub path: String,
    pub host: String,
    pub headers: Vec<String>,
    pub tlv: Option<String>,
}

impl Written {
    /// Every request that it stands for, with tokens for their names.
    pub fn shapes(&self) -> Vec<Shape> {
        let last: Vec<Option<&String>> = match self.with_each.as_slice() {
            [] => vec![None],
            each => each.iter().map(Some).collect(),
        };
        let places =
            self.path.all().iter().flat_map(|path| self.host.all().iter().map(move |host| (path, host)));
        places
            .flat_map(|(path, host)| {
                last.iter().map(move |last| Shape {
                    method: self.method.clone(),
                    path: path.clone(),
                    host: host.clone(),
                    headers: self.headers.iter().chain(*last).map(|line| tokens::filled(line)).collect(),
                    tlv: self.tlv.clone(),
                })
            })
            .collect()
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn host() -> OneOrMore<String> {
    OneOrMore::One(HOST.to_owned())
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// Every case, by the names of their files.
pub fn cases() -> Vec<Case> {
    let entries = fs::read_dir(folder()).expect("the corpus");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| {
        file.extension().is_some_and(|kind| kind == "yaml") && !name(file).starts_with("sessiongate")
    });
    files.sort();
    assert!(files.len() > 20, "only {} cases in {}", files.len(), folder().display());
    files.iter().map(|file| read(file)).collect()
}

fn name(file: &Path) -> String {
    file.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn read(file: &Path) -> Case {
    let text = fs::read_to_string(file).expect("text");
    let tree = Config::builder().add_source(File::from_str(&text, FileFormat::Yaml)).build();
    let tree = tree.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let case: Result<Case, _> = serde_path_to_error::deserialize(tree.cache);
    let case = case.unwrap_or_else(|error| panic!("{}: {}: {}", file.display(), error.path(), error.inner()));
    let case = Case { name: name(file), ..case };
    let has = |control: bool| case.requests.iter().any(|request| request.control == control);
    assert!(has(true) && has(false), "{} needs an attack and a control", case.name);
    let is_honest = |request: &Written| !request.control || request.expect.passes;
    assert!(case.requests.iter().all(is_honest), "{}: a control passes", case.name);
    let texts = [&case.title, &case.about, &case.affected];
    let is_told = !case.source.is_empty() && texts.iter().all(|text| !text.trim().is_empty());
    assert!(is_told, "{} says not what it is about, whom it hit and where it was published", case.name);
    case
}
