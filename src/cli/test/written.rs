//! The file as written: sessions by name, and requests with what is expected of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::explain::Asked;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Sessions that the cases name.
    #[serde(default)]
    pub(super) sessions: HashMap<String, WrittenSession>,
    pub(super) cases: Vec<WrittenCase>,
}

/// A session as if a provider had found it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSession {
    /// The provider's name. Default: the first of the configuration.
    pub(super) provider: Option<String>,
    pub(super) claims: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCase {
    /// Default: the request.
    pub(super) name: Option<String>,
    /// `GET /path`, or `GET https://host/path`.
    pub(super) request: String,
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    #[serde(default)]
    pub(super) cookies: IndexMap<String, String>,
    /// Envoy's context extensions.
    #[serde(default)]
    pub(super) context: HashMap<String, String>,
    /// The IP address of the client.
    #[serde(default)]
    pub(super) source: String,
    /// The identity of the client's certificate.
    #[serde(default)]
    pub(super) principal: String,
    /// The name of the session that it comes with. Default: none.
    pub(super) session: Option<String>,
    pub(super) expect: Expected,
}

/// What is compared; what is left out is not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// `allow`, `deny`, `redirect` or `unavailable`.
    pub(super) decision: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) reason: Option<String>,
    /// The status of the answer; 200 where the request passes.
    pub(super) status: Option<u16>,
    pub(super) location: Option<String>,
    /// Headers of the answer.
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    /// Headers that the upstream gets; `null`: none of this name.
    #[serde(default)]
    pub(super) upstream: IndexMap<String, Option<String>>,
    /// Claims of the assertion.
    #[serde(default)]
    pub(super) assertion: Map<String, Value>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum WrittenError {
    #[error("{}: {message}", path.display())]
    Unreadable { path: PathBuf, message: String },
    #[error("{case}: {message}")]
    Case { case: String, message: String },
}

pub(super) fn read(path: &Path) -> Result<Written, WrittenError> {
    let unreadable = |message: String| WrittenError::Unreadable { path: path.to_owned(), message };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let source = File::from_str(&text, FileFormat::Yaml);
    let tree = Config::builder().add_source(source).build().map_err(|error| unreadable(error.to_string()))?;
    serde_path_to_error::deserialize(tree.cache)
        .map_err(|error| unreadable(format!("{}: {}", error.path(), error.inner())))
}

impl WrittenCase {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.request)
    }

    /// The request without the session.
    pub(super) fn asked(&self) -> Result<Asked, WrittenError> {
        let Some((method, url)) = self.request.split_once(' ') else {
            let message = format!("`{}` is no request: write `GET /path`", self.request);
            return Err(WrittenError::Case { case: self.name().to_owned(), message });
        };
        Ok(Asked {
            method: method.to_owned(),
            url: url.trim().to_owned(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            cookies: self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            context: self.context.clone(),
            source: self.source.clone(),
            principal: self.principal.clone(),
        })
    }
}
