//! Where a configuration comes from: a YAML file and the environment, merged by the `config` crate.

use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Value};

use super::environment::Environment;
use super::error::ConfigError;
use super::files::NamedFiles;

const DEFAULT_FILE: &str = "sessiongate.yaml";

/// The file to read, where there is one.
pub(super) fn locate(file: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    file.map(Path::to_path_buf)
        .or_else(|| environment.get("SESSIONGATE_CONFIG").map(PathBuf::from))
        .or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|default| default.exists()))
}

/// The merged tree: the file, and over it the variables `SESSIONGATE__…`, whose `__` separates keys.
pub(super) fn read(
    file: Option<&Path>,
    environment: &Environment,
    files: &mut NamedFiles,
) -> Result<Value, ConfigError> {
    let name = file.map_or_else(|| "environment".to_owned(), |file| file.display().to_string());
    let unreadable = |message: String| ConfigError::Unreadable { file: name.clone(), message };
    let mut builder = Config::builder();
    if let Some(file) = file {
        let bytes = files.read(file).map_err(|error| unreadable(error.to_string()))?;
        let text = str::from_utf8(&bytes).map_err(|error| unreadable(error.to_string()))?;
        builder = builder.add_source(File::from_str(text, FileFormat::Yaml));
    }
    let variables = config::Environment::with_prefix("SESSIONGATE")
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.as_map().clone()));
    let merged = builder.add_source(variables).build().map_err(|error| unreadable(error.to_string()))?;
    Ok(merged.cache)
}
