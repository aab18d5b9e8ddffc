//! Session cookies that are kept from the upstream.

use crate::request::HttpRequest;
use crate::session::Providers;

/// The request's cookies without those of any provider, the others byte for byte; `None` where nothing is taken away.
pub(super) fn without_session_cookies(providers: &Providers, request: &HttpRequest<'_>) -> Option<String> {
    if !request.cookies().iter().any(|(name, _)| providers.owns_cookie(name)) {
        return None;
    }
    let headers = request.headers.get_all("cookie");
    let rest: Vec<String> = headers
        .map(|header| without(header, |name| providers.owns_cookie(name)))
        .filter(|h| !h.is_empty())
        .collect();
    Some(rest.join("; "))
}

/// A header without the cookies whose names are owned; what separates the others stays as it is.
fn without(header: &str, is_owned: impl Fn(&str) -> bool) -> String {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().trim_matches([' ', '\t']).to_owned();
    let kept: Vec<&str> = header.split(';').filter(|pair| !is_owned(&name(pair))).collect();
    kept.join(";").trim_start_matches([' ', '\t']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::without;

    fn is_ours(name: &str) -> bool {
        name == "session" || name.starts_with("session.")
    }

    #[test]
    fn only_the_named_cookies_go() {
        for (header, rest) in [
            ("a=1; session=x; b=2", "a=1; b=2"),
            ("session=x; a=1", "a=1"),
            ("a=1;session=x;b=2", "a=1;b=2"),
            ("a=1; session.0=x; session.1=y", "a=1"),
            ("session=x", ""),
            ("a=\"q;session=x\"", "a=\"q"),
            ("a=1;  session =x;\tb=\"2 \"; c", "a=1;\tb=\"2 \"; c"),
            ("sessions=1; a=session", "sessions=1; a=session"),
        ] {
            assert_eq!(without(header, is_ours), rest, "{header}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn no_other_cookie_is_ever_changed(
            pairs in prop::collection::vec((prop::sample::select(vec!["a", "b", "session", "session.0", "sessionx", ""]), "[ -:<-~é]{0,12}"), 0..8),
        ) {
            let header = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let expected: Vec<String> =
                pairs.iter().filter(|(name, _)| !is_ours(name)).map(|(name, value)| format!("{name}={value}")).collect();
            let rest = without(&header, is_ours);
            let expected = expected.join("; ");
            prop_assert_eq!(rest.as_str(), expected.trim_start_matches([' ', '\t']));
        }
    }
}
