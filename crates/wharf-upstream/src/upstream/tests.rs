use proptest::prelude::*;
use url::Url;

use super::*;

fn upstream() -> Upstream {
    Upstream::new(
        &Config::default(),
        "https://api.example.com/v1",
        Trust::Operator,
    )
    .expect("a sane configuration")
}

proptest! {
    /// Whatever a model makes a target of, it stays where the operator pointed to, also when the other side reads
    /// it as browsers and many servers do.
    #[test]
    fn targets_do_not_leave_the_base(target in r"[/?]([a-c.]{1,2}|/|/\.\.|%2[eE]|[\\?#@:;&=%]|\PC?){0,10}") {
        if let Ok((uri, kinship)) = upstream().locate(target) {
            prop_assert!(kinship == Kinship::Base);
            let read = Url::parse(&uri.to_string()).expect("a valid address");
            prop_assert_eq!(read.host_str(), Some("api.example.com"));
            prop_assert_eq!(read.scheme(), "https");
            prop_assert!(read.path() == "/v1" || read.path().starts_with("/v1/"), "{}", read);
        }
    }

    #[test]
    fn absolute_targets_are_strangers_unless_they_are_not(target in r"https?://[a-z.@:0-9]{0,12}(api\.example\.com)?[:@/?#.0-9a-z]{0,8}") {
        if let Ok((uri, kinship)) = upstream().locate(target) {
            let is_own = uri.scheme_str() == Some("https")
                && uri.authority().is_some_and(|authority| authority == "api.example.com");
            prop_assert_eq!(kinship == Kinship::Base, is_own, "{}", uri);
        }
    }
}
