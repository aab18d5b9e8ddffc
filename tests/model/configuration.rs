//! A configuration as somebody would write it.

use std::fmt::Write as _;

use crate::world::{
    Access, Configuration, DAY, KEEP, Matcher, Mistake, OnDeny, Provider, Revocation, Rule, Secret, rule_name,
};

/// Where this machine's revocations are.
#[derive(Clone, Debug)]
pub struct Redis {
    pub url: String,
    /// Nobody else's.
    pub prefix: String,
}

/// The secret as text.
pub fn secret_text(secret: Secret) -> String {
    format!("model-secret-{secret:?}-model-secret-{secret:?}")
}

/// The whole file.
pub fn yaml(configuration: &Configuration, redis: &Redis) -> String {
    let mut text = "sessions:\n".to_owned();
    for provider in configuration.providers() {
        let _ = match provider {
            Provider::Web => {
                writeln!(text, "  web: {{ kind: authjs, secret: {} }}", list(&configuration.web, secret_text))
            }
            Provider::Machine => {
                let secret = configuration.machine.map(secret_text).unwrap_or_default();
                writeln!(text, "  machine: {{ kind: jwt, secret: {secret} }}")
            }
        };
    }
    text += "login: { url: /login }\nrules:\n";
    for (place, rule) in configuration.rules.iter().enumerate() {
        let _ =
            writeln!(text, "  - name: {}\n{}{}", rule_name(place, rule), matcher(rule.matcher), terms(rule));
    }
    let _ = writeln!(text, "default:\n{}", terms(&configuration.default));
    text + &revocation(configuration.revocation, redis)
}

/// The same file with a mistake in it.
pub fn broken(configuration: &Configuration, redis: &Redis, mistake: Mistake) -> String {
    let (from, to) = match mistake {
        Mistake::NoYaml => ("default:", "default: ["),
        Mistake::UnknownKey => ("login:", "logins: {}\nlogin:"),
        Mistake::UnknownProvider => ("rules:", "rules:\n  - session: nobody"),
        Mistake::BadMatcher => ("rules:", "rules:\n  - matcher: /a(?:path"),
        Mistake::BadCondition => ("rules:", "rules:\n  - condition: '\"admin\" in '"),
        Mistake::WeakSecret => ("sessions:", "sessions:\n  weak: { kind: authjs, secret: hunter2 }"),
        Mistake::UnsetVariable => ("url: /login", "url: \"${NOWHERE}\""),
        Mistake::NoFile => ("sessions:", "sessions:\n  lost: { kind: authjs, secret_file: no/such/file }"),
    };
    yaml(configuration, redis).replacen(from, to, 1)
}

fn terms(rule: &Rule) -> String {
    let access = match rule.access {
        Access::Public => "public",
        Access::Optional => "optional",
        Access::Session => "session",
        Access::Deny => "deny",
    };
    let on_deny = match rule.on_deny {
        OnDeny::Auto => "auto",
        OnDeny::Redirect => "redirect",
        OnDeny::Unauthorized => "unauthorized",
        OnDeny::Custom => "{ status: 410, body: no }",
    };
    let mut text = format!("    access: {access}\n    on_deny: {on_deny}");
    if rule.admins_only {
        text += "\n    condition: '\"admin\" in auth.user.roles'";
    }
    if let Some(accepts) = &rule.accepts {
        let _ = write!(
            text,
            "\n    session: {}",
            list(accepts, |provider| format!("{provider:?}").to_lowercase())
        );
    }
    text
}

fn matcher(matcher: Matcher) -> &'static str {
    match matcher {
        Matcher::Everything => "",
        Matcher::Home => "    matcher: /\n",
        Matcher::Admin => "    matcher: /admin/:path*\n",
        Matcher::Help => "    matcher: /admin/help\n",
        Matcher::Docs => "    matcher: /docs/:path*\n",
        Matcher::AuthJs => "    matcher: /api/auth/:path*\n",
        Matcher::Orders => "    matcher: [{ source: '/orders/:path*', methods: [POST, PUT] }]\n",
        Matcher::Api => "    hosts: [api.example.com, '*.api.example.com']\n",
        Matcher::Ops => "    matcher: [{ source: '/ops/:path*', missing: [{ type: header, key: x-ops }] }]\n",
        Matcher::AllButDocs => "    matcher: /((?!docs).*)\n",
    }
}

fn revocation(revocation: Revocation, redis: &Redis) -> String {
    let Redis { url, prefix } = redis;
    let hours = KEEP * 24 / DAY;
    match revocation {
        Revocation::Off => String::new(),
        Revocation::Redis => {
            format!("revocation: {{ redis: '{url}', prefix: '{prefix}', keep: {hours}h }}\n")
        }
        Revocation::Away { lenient } => {
            let on_outage = if lenient { "allow" } else { "deny" };
            format!("revocation: {{ redis: 'redis://127.0.0.1:9', on_outage: {on_outage} }}\n")
        }
    }
}

fn list<T: Copy>(items: &[T], text: impl Fn(T) -> String) -> String {
    let texts: Vec<_> = items.iter().map(|item| text(*item)).collect();
    format!("[{}]", texts.join(", "))
}
