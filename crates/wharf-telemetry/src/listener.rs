//! Where an upstream listens, as the conventions name it: cut out of its address, since every request to it is counted.

/// Host and port; empty where an address has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listener<'a> {
    pub(crate) address: &'a str,
    pub(crate) port: &'a str,
}

impl<'a> Listener<'a> {
    pub(crate) fn of(base_url: &'a str) -> Self {
        let Some((scheme, rest)) = base_url.split_once("://") else {
            return Self::default();
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // Whoever signs in by the address does not stand in metrics.
        let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        // The colons of an IPv6 address stand in brackets, which are no part of it.
        let split = host.strip_prefix('[').and_then(|host| host.split_once(']'));
        let (address, port) = match split {
            Some((address, rest)) => (address, rest.strip_prefix(':')),
            None => match host.split_once(':') {
                Some((address, port)) => (address, Some(port)),
                None => (host, None),
            },
        };
        let port = port.filter(|port| !port.is_empty());
        let usual = match scheme {
            "https" => "443",
            "http" => "80",
            _ => "",
        };
        Self {
            address,
            port: port.unwrap_or(usual),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (base_url, address, port) in [
            ("https://api.example.com/v1", "api.example.com", "443"),
            ("http://api.example.com", "api.example.com", "80"),
            ("http://127.0.0.1:8080/", "127.0.0.1", "8080"),
            ("http://127.0.0.1:/", "127.0.0.1", "80"),
            ("https://[::1]:8443/a:b", "::1", "8443"),
            ("https://[::1]", "::1", "443"),
            (
                "https://ann:hush@api.example.com?a@b",
                "api.example.com",
                "443",
            ),
            ("/v1", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                Listener::of(base_url),
                Listener { address, port },
                "{base_url}"
            );
        }
    }
}
