//! `wharf healthcheck`: asks a running server whether it is well, where there is no shell and no curl.

use std::process::ExitCode;

use bytes::Bytes;
use http::{HeaderMap, Method};
use wharf_upstream::{Config, Request, Seconds, Trust, Upstream};

use crate::cli::Healthcheck;
use crate::failure::{self, Failure};
use crate::terminal;

pub(crate) async fn run(healthcheck: &Healthcheck) -> Result<ExitCode, Failure> {
    let url = &healthcheck.url;
    let unwell = |error: wharf_upstream::UpstreamError| {
        Failure::of(&error)
            .within(url)
            .hint("start the server, or name it with `--url`")
    };
    let config = Config {
        timeout_s: seconds(healthcheck.timeout)?,
        ..Config::default()
    };
    let upstream = Upstream::new(&config, url, Trust::Operator).map_err(unwell)?;
    let request = Request {
        method: Method::GET,
        target: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    let response = upstream
        .send(request, &HeaderMap::new(), None)
        .await
        .map_err(unwell)?;
    if !response.status.is_success() {
        return Err(Failure::new(format!(
            "{url} answered HTTP {}",
            response.status
        )));
    }
    terminal::result(format_args!("{url}: HTTP {}", response.status.as_u16()));
    Ok(failure::DONE)
}

fn seconds(given: u32) -> Result<Seconds, Failure> {
    Seconds::try_from(f64::from(given))
        .map_err(|reason| Failure::new(format!("`--timeout {given}`: {reason}")))
}
