//! The environment variables as a value, so that a configuration can be tested with any.

use indexmap::IndexMap;

/// Environment variables by name. Values can be secrets, so there is no `Debug`.
#[derive(Clone, Default)]
pub struct Environment(IndexMap<String, String>);

impl Environment {
    /// The variables of this process; those that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable that is set, be it empty.
    pub(crate) fn get_set(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn as_map(&self) -> &IndexMap<String, String> {
        &self.0
    }

    /// The first of these variables that is set and not empty.
    pub(crate) fn first_of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Environment {
    fn from(variables: [(K, V); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
