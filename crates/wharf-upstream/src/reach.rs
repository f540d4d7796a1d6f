//! Looking where an address leads before anything is sent there, to say so at the start rather than at the first call.
//!
//! This does not protect: a name can lead elsewhere a moment later. Every connection looks again for itself.

use std::net::IpAddr;
use std::time::Duration;

use url::Host;

use crate::{UpstreamError, address, guard};

/// A slow name server shall not keep a start waiting; what is not known by then is looked at when it is connected to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Refuses an address that leads to where a document must not lead. One whose host cannot be resolved now passes.
pub async fn check_address(url: &str) -> Result<(), UpstreamError> {
    let (url, _) = address::parse(url)?;
    let found = match url.host() {
        Some(Host::Ipv4(address)) => vec![IpAddr::from(address)],
        Some(Host::Ipv6(address)) => vec![IpAddr::from(address)],
        Some(Host::Domain(name)) => resolve(name).await,
        None => Vec::new(),
    };
    let refused = found
        .into_iter()
        .find_map(|address| Some((address, guard::refused_range(address)?)));
    refused.map_or(Ok(()), |(address, range)| {
        Err(UpstreamError::Refused {
            host: url.host_str().unwrap_or_default().to_owned(),
            address,
            range,
        })
    })
}

async fn resolve(name: &str) -> Vec<IpAddr> {
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_addresses_are_refused_whatever_they_are_called() {
        for (url, passes) in [
            ("https://127.0.0.1/v1", false),
            ("http://[::1]:8080", false),
            ("https://169.254.169.254", false),
            ("https://2130706433/", false),
            ("https://localhost:9", false),
            ("https://8.8.8.8/v1", true),
            ("https://no-such-host.invalid", true),
        ] {
            assert_eq!(check_address(url).await.is_ok(), passes, "{url}");
        }
    }
}
