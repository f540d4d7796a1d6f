//! The pages that people see: plain HTML, no script, nothing from elsewhere, never in a frame.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use url::Url;

use super::attempt::{Attempt, Failure};
use super::values::Asked;
use super::{Facade, answer};

const STYLE: &str = "body{margin:0;background:#f3f5f7;color:#17202a;font:16px/1.5 system-ui,sans-serif}\
main{max-width:30rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:12px;box-shadow:0 1px 8px #0002}\
h1{margin:0 0 1rem;font-size:1.3rem}b,code{overflow-wrap:anywhere}ul{padding-left:1.2rem}\
.quiet{color:#566573;font-size:.9rem}.box{padding:.7rem 1rem;background:#f3f5f7;border-radius:8px}\
form{display:flex;gap:.8rem;margin-top:1.5rem}button{flex:1;padding:.7rem;border:1px solid #b3bcc5;border-radius:8px;\
background:#fff;color:inherit;font:inherit;cursor:pointer}button.main{background:#0b5c8a;border-color:#0b5c8a;color:#fff}\
button:focus-visible{outline:3px solid #f5b041}\
@media(prefers-color-scheme:dark){body{background:#11161b;color:#e5e8eb}main{background:#1b232b}\
.box{background:#11161b}.quiet{color:#a3b0bc}button{background:#1b232b;border-color:#48545f}}";

pub(crate) struct Pages {
    /// The style is permitted by its digest, so nothing else can be put in.
    policy: HeaderValue,
}

impl Pages {
    pub(crate) fn new() -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
        // No `form-action`: browsers apply it to the redirects behind the form as well, to the provider and on to the
        // client's address, whatever that is. The form's own target is ours, and nothing from outside stands in the page
        // unescaped.
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'",
            STANDARD.encode(digest)
        );
        Self {
            policy: HeaderValue::from_str(&policy).expect("it is made of plain characters"),
        }
    }

    /// The question whether a client may act for the person.
    pub(crate) fn consent(
        &self,
        facade: &Facade,
        asked: &Asked,
        name: &str,
        sealed: &str,
    ) -> Response<Bytes> {
        let to = Url::parse(&asked.redirect_uri);
        let to = to.map_or(String::new(), |url| match (url.scheme(), url.host_str()) {
            ("http", Some(_)) => "a program on this computer".to_owned(),
            ("https", Some(host)) => host.to_owned(),
            (scheme, host) => format!("{scheme}://{}", host.unwrap_or_default()),
        });
        let id = match asked.client.label.strip_prefix("https://") {
            Some(_) => format!(
                "<p class=quiet>It is described by <code>{}</code>.</p>",
                escaped(&asked.client.label)
            ),
            None => String::new(),
        };
        let scopes = asked.scopes.iter().map(|scope| {
            let known = facade.config.scopes.get(scope);
            let description = known.and_then(|scope| scope.description.as_deref());
            format!("<li>{}</li>", escaped(description.unwrap_or(scope)))
        });
        let scopes: String = scopes.collect();
        let scopes = if scopes.is_empty() {
            "<p>It learns who you are.</p>".to_owned()
        } else {
            format!("<p>It may, as far as you may yourself:</p><ul>{scopes}</ul>")
        };
        let body = format!(
            "<h1>Let this program act for you?</h1>\
             <p>A program that calls itself <b>{name}</b> wants to use <b>{server}</b> in your name.</p>\
             <p class=box>If you allow it, the sign-in goes to <b>{to}</b>.</p>{id}{scopes}\
             <p class=quiet>The name is the program's own word. Allow it only if you have just begun this yourself. \
             You sign in on the next page.</p>\
             <form method=post action=\"{action}\"><input type=hidden name=question value=\"{sealed}\">\
             <button name=answer value=refuse>Refuse</button>\
             <button class=main name=answer value=allow>Allow</button></form>\
             <p class=quiet>Sign-in {attempt}</p>",
            name = escaped(name),
            server = escaped(&facade.issuer),
            to = escaped(&to),
            action = escaped(&facade.address("/authorize")),
            sealed = escaped(sealed),
            attempt = escaped(asked.attempt.id()),
        );
        self.page(StatusCode::OK, "Allow a program", &body)
    }

    /// Why a sign-in ends here.
    pub(crate) fn failure(&self, failure: &Failure, attempt: &Attempt) -> Response<Bytes> {
        let body = format!(
            "<h1>The sign-in does not go on</h1><p>{fault}</p><p class=box>{what}.</p><p>{hint}.</p>\
             <p class=quiet>Whoever runs this server finds this under <code>{attempt}</code> in its log.</p>",
            fault = failure.fault.sentence(),
            what = sentence(&failure.what),
            hint = sentence(&failure.hint),
            attempt = escaped(attempt.id()),
        );
        let status = match failure.code {
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "server_error" => StatusCode::BAD_GATEWAY,
            "access_denied" => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        self.page(status, "Sign-in failed", &body)
    }

    pub(crate) fn signed_out(&self) -> Response<Bytes> {
        let body = "<h1>You are signed out</h1><p>Programs that you allowed before go on until their tokens end, \
                    or until you remove them.</p>";
        self.page(StatusCode::OK, "Signed out", body)
    }

    fn page(&self, status: StatusCode, title: &str, body: &str) -> Response<Bytes> {
        let html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><main>{body}</main></html>"
        );
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        answer::set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
        answer::set(&mut response, CACHE_CONTROL, answer::NO_STORE);
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            // Ours alone: the address holds what a client asked for.
            ("referrer-policy", "same-origin"),
        ] {
            answer::set(&mut response, HeaderName::from_static(name), value);
        }
        response
    }
}

/// With a capital, as people read it; code stays code.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    let text = format!("{}{}", first.unwrap_or_default(), chars.as_str());
    let mut parts = escaped(&text);
    // Pairs of backticks.
    while parts.matches('`').count() >= 2 {
        parts = parts.replacen('`', "<code>", 1).replacen('`', "</code>", 1);
    }
    parts
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
