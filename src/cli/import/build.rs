//! What the build of Next.js 13 to 16 says of the middleware (since 16 the proxy) and of next.config.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::rule::matcher::{Matcher, MatcherError};
use crate::rule::next::{Domain, I18n, NextConfig, NextConfigError};

/// The longest manifest that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A build, as far as it matters here.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) folder: PathBuf,
    pub(super) matchers: Vec<BuiltMatcher>,
    pub(super) config: BuiltConfig,
    /// Whether the project depends on NextAuth.js v4.
    pub(super) is_nextauth: bool,
}

/// One matcher as the manifests have it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuiltMatcher {
    pub(super) original_source: String,
    pub(super) regexp: String,
    pub(super) locale: Option<bool>,
    #[serde(default)]
    pub(super) has: Vec<Value>,
    #[serde(default)]
    pub(super) missing: Vec<Value>,
}

/// The parts of next.config that change what a matcher means.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BuiltConfig {
    pub(super) base_path: String,
    pub(super) trailing_slash: bool,
    pub(super) i18n: Option<BuiltI18n>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuiltI18n {
    pub(super) locales: Vec<String>,
    pub(super) default_locale: String,
    #[serde(default)]
    pub(super) domains: Vec<BuiltDomain>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuiltDomain {
    pub(super) domain: String,
    pub(super) default_locale: String,
    #[serde(default)]
    pub(super) locales: Vec<String>,
}

/// Why a folder cannot be imported.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum BuildError {
    #[error("{0} holds no build of Next.js: run `next build`, and name the project or its `distDir`")]
    NoBuild(PathBuf),
    #[error(
        "the build in {0} has no middleware (`proxy.ts` or `middleware.ts`), so there is nothing to import"
    )]
    NoMiddleware(PathBuf),
    #[error("{}: {message}", file.display())]
    Manifest { file: PathBuf, message: String },
    #[error("next.config: {0}")]
    Config(#[from] NextConfigError),
    #[error("the matcher `{source_text}` cannot be used here: {reason}")]
    Matcher { source_text: String, reason: MatcherError },
}

/// `functions-config-manifest.json`: where the middleware runs in Node.js.
#[derive(Deserialize)]
struct FunctionsConfig {
    functions: HashMap<String, Function>,
}

/// `middleware-manifest.json`: where it runs in the edge runtime.
#[derive(Deserialize)]
struct MiddlewareManifest {
    middleware: HashMap<String, Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    matchers: Vec<BuiltMatcher>,
}

#[derive(Deserialize)]
struct RequiredServerFiles {
    config: BuiltConfig,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    dependencies: HashMap<String, String>,
}

impl Build {
    pub(super) fn read(path: &Path) -> Result<Self, BuildError> {
        let folder = [path.join(".next"), path.to_owned()]
            .into_iter()
            .find(|folder| folder.join("required-server-files.json").is_file())
            .ok_or_else(|| BuildError::NoBuild(path.to_owned()))?;
        let files: Option<RequiredServerFiles> = manifest(&folder.join("required-server-files.json"))?;
        let matchers = matchers(&folder)?.ok_or_else(|| BuildError::NoMiddleware(folder.clone()))?;
        let config = files.map(|files| files.config).unwrap_or_default();
        let next = config.to_domain()?;
        for BuiltMatcher { original_source, locale, .. } in &matchers {
            let compiled = Matcher::compile(original_source, locale.unwrap_or(true), &next);
            compiled
                .map_err(|reason| BuildError::Matcher { source_text: original_source.clone(), reason })?;
        }
        let package: Option<Package> = manifest(&path.join("package.json"))?;
        let is_nextauth = package.and_then(|package| package.dependencies.get("next-auth").cloned());
        let is_nextauth =
            is_nextauth.is_some_and(|version| version.trim_start_matches(['^', '~']).starts_with("4."));
        Ok(Self { folder, matchers, config, is_nextauth })
    }
}

/// `None` where there is no middleware.
fn matchers(folder: &Path) -> Result<Option<Vec<BuiltMatcher>>, BuildError> {
    let functions: Option<FunctionsConfig> = manifest(&folder.join("server/functions-config-manifest.json"))?;
    if let Some(function) = functions.and_then(|mut manifest| manifest.functions.remove("/_middleware")) {
        return Ok(Some(function.matchers));
    }
    let edge: Option<MiddlewareManifest> = manifest(&folder.join("server/middleware-manifest.json"))?;
    Ok(edge.and_then(|mut manifest| manifest.middleware.remove("/")).map(|function| function.matchers))
}

/// `None` where there is no such file, as in builds of some versions.
fn manifest<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, BuildError> {
    let wrong = |message: String| BuildError::Manifest { file: file.to_owned(), message };
    let opened = match fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let mut text = String::new();
    opened.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

impl BuiltConfig {
    fn to_domain(&self) -> Result<NextConfig, NextConfigError> {
        let domain = |domain: &BuiltDomain| Domain {
            domain: domain.domain.clone(),
            default_locale: domain.default_locale.clone(),
            locales: domain.locales.clone(),
        };
        let i18n = self.i18n.as_ref().map(|i18n| I18n {
            locales: i18n.locales.clone(),
            default_locale: i18n.default_locale.clone(),
            domains: i18n.domains.iter().map(domain).collect(),
        });
        NextConfig::new(self.base_path.clone(), i18n, self.trailing_slash, None)
    }
}
