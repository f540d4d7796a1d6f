//! The configuration together with OpenTelemetry's variables:
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>
//!
//! What the configuration says counts; variables fill in the rest. After this nobody reads either.

use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use wharf_model::Secret;
use wharf_upstream::{Network, Seconds};

use crate::config::{Audit, Config, Emf, Mistake, Sampler, WhenFull};

/// How often metrics are sent (`OTEL_METRIC_EXPORT_INTERVAL`).
const INTERVAL: Duration = Duration::from_secs(60);
/// How long a collector may take (`OTEL_EXPORTER_OTLP_TIMEOUT`).
const TIMEOUT: Duration = Duration::from_secs(10);
/// The one protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// What is told to whom, with nothing left open.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) request_log: bool,
    pub(crate) audit: Option<Audit>,
    pub(crate) prometheus: bool,
    /// Address and port of a listener for metrics alone.
    pub metrics_http: Option<String>,
    pub(crate) collector: Option<Collector>,
    pub(crate) emf: Option<Emf>,
    pub(crate) xray: bool,
    pub(crate) service_name: String,
    pub(crate) resource: Vec<(String, String)>,
}

/// Where traces and metrics are sent.
#[derive(Debug, Clone)]
pub struct Collector {
    pub(crate) traces: Option<String>,
    pub(crate) metrics: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) sampler: Sampler,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) network: Network,
}

impl Config {
    /// Fills in what variables say. `name` and `version` are the server's; relative files start from `folder`.
    pub fn completed<'e>(
        &self,
        name: &str,
        version: &str,
        folder: &Path,
        get: impl Fn(&str) -> Option<&'e str>,
    ) -> Result<Settings, Mistake> {
        // An empty variable counts as one that is not set.
        let get = |name: &str| get(name).map(str::trim).filter(|value| !value.is_empty());
        let mut resource = Vec::new();
        if let Some(given) = get("OTEL_RESOURCE_ATTRIBUTES") {
            resource = pairs(given).ok_or(Mistake::Variable {
                variable: "OTEL_RESOURCE_ATTRIBUTES",
                wanted: "a list such as `key=value,key2=value2`",
            })?;
        }
        for (key, value) in &self.resource {
            resource.retain(|(known, _)| known != key);
            resource.push((key.clone(), value.clone()));
        }
        let named = resource.iter().position(|(key, _)| key == "service.name");
        let named = named.map(|at| resource.remove(at).1);
        if !resource.iter().any(|(key, _)| key == "service.version") {
            resource.push(("service.version".to_owned(), version.to_owned()));
        }
        if let Some(emf) = &self.emf
            && !is_namespace(&emf.namespace)
        {
            return Err(Mistake::Namespace);
        }
        Ok(Settings {
            request_log: self.request_log,
            audit: self.audit.as_ref().map(|audit| Audit {
                to: if audit.is_stdout() {
                    audit.to.clone()
                } else {
                    folder.join(&audit.to)
                },
                ..audit.clone()
            }),
            prometheus: self.prometheus.enabled,
            metrics_http: self.prometheus.http.clone(),
            collector: self.collector(get)?,
            emf: self.emf.clone(),
            xray: self.xray,
            service_name: self
                .service_name
                .clone()
                .or_else(|| get("OTEL_SERVICE_NAME").map(str::to_owned))
                .or(named)
                .unwrap_or_else(|| name.to_owned()),
            resource,
        })
    }

    fn collector<'e>(
        &self,
        get: impl Fn(&str) -> Option<&'e str>,
    ) -> Result<Option<Collector>, Mistake> {
        let otlp = &self.otlp;
        if get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let is_wanted = |key: Option<bool>, variable: &str| {
            key.unwrap_or_else(|| get(variable) != Some("none"))
        };
        // An address of one signal is taken as it stands; the address of all gets a path.
        let address = |variable: &str, path: &str| match (&otlp.endpoint, get(variable)) {
            (Some(all), _) => Some(("`telemetry.otlp.endpoint`", joined(all, path))),
            (None, Some(own)) => {
                Some(("a variable `OTEL_EXPORTER_OTLP_…ENDPOINT`", own.to_owned()))
            }
            (None, None) => get("OTEL_EXPORTER_OTLP_ENDPOINT")
                .map(|all| ("`OTEL_EXPORTER_OTLP_ENDPOINT`", joined(all, path))),
        };
        let checked = |found: Option<(&'static str, String)>| match found {
            Some((origin, url)) if !is_http(&url) => Err(Mistake::Endpoint { origin }),
            found => Ok(found.map(|(_, url)| url)),
        };
        let traces = is_wanted(otlp.traces, "OTEL_TRACES_EXPORTER")
            .then(|| address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"));
        let metrics = is_wanted(otlp.metrics, "OTEL_METRICS_EXPORTER")
            .then(|| address("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "/v1/metrics"));
        let (traces, metrics) = (checked(traces.flatten())?, checked(metrics.flatten())?);
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        // Said for others, perhaps; but to send what a collector does not take would be silence.
        if otlp.endpoint.is_none()
            && get("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|protocol| protocol != PROTOCOL)
        {
            return Err(Mistake::Variable {
                variable: "OTEL_EXPORTER_OTLP_PROTOCOL",
                wanted: "`http/protobuf`, which is what can be sent",
            });
        }
        let time =
            |key: Option<Seconds>, variable: &'static str, otherwise| match (key, get(variable)) {
                (Some(key), _) => Ok(key.duration()),
                (None, None) => Ok(otherwise),
                (None, Some(text)) => match text.parse() {
                    Ok(ms @ 1..) => Ok(Duration::from_millis(ms)),
                    _ => Err(Mistake::Variable {
                        variable,
                        wanted: "a number of milliseconds",
                    }),
                },
            };
        Ok(Some(Collector {
            traces,
            metrics,
            headers: self.headers(&get)?,
            sampler: self.sampler(&get)?,
            interval: time(otlp.interval_s, "OTEL_METRIC_EXPORT_INTERVAL", INTERVAL)?,
            timeout: time(otlp.timeout_s, "OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT)?,
            network: Network::default(),
        }))
    }

    fn headers<'e>(&self, get: &impl Fn(&str) -> Option<&'e str>) -> Result<HeaderMap, Mistake> {
        const VARIABLE: &str = "OTEL_EXPORTER_OTLP_HEADERS";
        let own: Vec<(String, Secret)>;
        let (origin, given): (_, Vec<(&str, &Secret)>) = if self.otlp.headers.is_empty() {
            let given = get(VARIABLE).unwrap_or_default();
            own = pairs(given)
                .ok_or(Mistake::Variable {
                    variable: VARIABLE,
                    wanted: "a list such as `key=value,key2=value2`",
                })?
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect();
            let given = own.iter().map(|(name, value)| (name.as_str(), value));
            ("`OTEL_EXPORTER_OTLP_HEADERS`", given.collect())
        } else {
            let given = self.otlp.headers.iter();
            let given = given.map(|(name, value)| (name.as_str(), value));
            ("`telemetry.otlp.headers`", given.collect())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let wrong = || Mistake::Header {
                origin,
                name: name.to_owned(),
            };
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        Ok(headers)
    }

    fn sampler<'e>(&self, get: &impl Fn(&str) -> Option<&'e str>) -> Result<Sampler, Mistake> {
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        if let Some(sampler) = self.otlp.sampler {
            return match sampler {
                Sampler::Traceidratio { ratio } | Sampler::ParentbasedTraceidratio { ratio }
                    if !(0.0..=1.0).contains(&ratio) =>
                {
                    Err(Mistake::Ratio)
                }
                sampler => Ok(sampler),
            };
        }
        let ratio = || match get(ARGUMENT).map(str::parse) {
            None => Ok(1.0),
            Some(Ok(ratio)) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
            Some(_) => Err(Mistake::Variable {
                variable: ARGUMENT,
                wanted: "a number between 0 and 1",
            }),
        };
        Ok(match get("OTEL_TRACES_SAMPLER") {
            None | Some("parentbased_always_on") => Sampler::ParentbasedAlwaysOn {},
            Some("parentbased_always_off") => Sampler::ParentbasedAlwaysOff {},
            Some("always_on") => Sampler::AlwaysOn {},
            Some("always_off") => Sampler::AlwaysOff {},
            Some("traceidratio") => Sampler::Traceidratio { ratio: ratio()? },
            Some("parentbased_traceidratio") => {
                Sampler::ParentbasedTraceidratio { ratio: ratio()? }
            }
            Some(_) => {
                return Err(Mistake::Variable {
                    variable: "OTEL_TRACES_SAMPLER",
                    wanted: "one of `always_on`, `always_off`, `traceidratio`, and these three with `parentbased_` before",
                });
            }
        })
    }
}

impl Audit {
    pub(crate) fn is_stdout(&self) -> bool {
        self.to.as_os_str() == "stdout"
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.when_full == WhenFull::Refuse
    }
}

impl Settings {
    /// Reaches the collector by proxies, and trusts authorities, that the environment names.
    #[must_use]
    pub fn reaching_by(mut self, network: Network) -> Self {
        if let Some(collector) = &mut self.collector {
            collector.network = network;
        }
        self
    }

    /// Refuses what writes to stdout where that belongs to the protocol.
    pub fn check_stdio(&self) -> Result<(), Mistake> {
        if self.audit.as_ref().is_some_and(Audit::is_stdout) {
            return Err(Mistake::Stdout {
                key: "telemetry.audit.to",
            });
        }
        if self.emf.is_some() {
            return Err(Mistake::Stdout {
                key: "telemetry.emf",
            });
        }
        Ok(())
    }
}

/// `key=value,key2=value2`, with percent signs for what stands for something (W3C Baggage's form).
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = key.trim();
            (!key.is_empty()).then(|| (key.to_owned(), decoded(value.trim())))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn joined(endpoint: &str, path: &str) -> String {
    format!("{}{path}", endpoint.trim_end_matches('/'))
}

fn is_http(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_namespace(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(config: &Config, variables: &[(&str, &'static str)]) -> Result<Settings, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        };
        config
            .completed("pets", "1.0", Path::new("/etc/wharf"), get)
            .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn variables_fill_in_what_the_configuration_leaves_open() {
        const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let plain = Config::default();
        let own = Config {
            otlp: crate::config::Otlp {
                endpoint: Some("https://own.example/otlp".to_owned()),
                ..Default::default()
            },
            ..Config::default()
        };
        for (row, config, variables, traces, metrics) in [
            ("nothing", &plain, &[][..], None, None),
            (
                "one address",
                &plain,
                &[ENDPOINT],
                Some("http://collector:4318/v1/traces"),
                Some("http://collector:4318/v1/metrics"),
            ),
            (
                "no metrics",
                &plain,
                &[ENDPOINT, ("OTEL_METRICS_EXPORTER", "none")],
                Some("http://collector:4318/v1/traces"),
                None,
            ),
            (
                "an address of its own",
                &plain,
                &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x")],
                Some("http://t:1/x"),
                None,
            ),
            (
                "disabled",
                &own,
                &[("OTEL_SDK_DISABLED", "TRUE")],
                None,
                None,
            ),
            (
                "the configuration first",
                &own,
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                Some("https://own.example/otlp/v1/traces"),
                Some("https://own.example/otlp/v1/metrics"),
            ),
        ] {
            let collector = completed(config, variables).unwrap().collector;
            let told = collector.as_ref();
            assert_eq!(told.and_then(|to| to.traces.as_deref()), traces, "{row}");
            assert_eq!(told.and_then(|to| to.metrics.as_deref()), metrics, "{row}");
        }
    }

    #[test]
    fn everything_else_has_a_variable_too() {
        let settings = completed(
            &Config::default(),
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s%3Dcret, x = y"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=blue"),
            ],
        )
        .unwrap();
        let collector = settings.collector.unwrap();
        assert_eq!(collector.headers["api-key"], "s=cret");
        assert!(collector.headers["api-key"].is_sensitive());
        assert_eq!(collector.headers["x"], "y");
        assert_eq!(collector.timeout, Duration::from_millis(1500));
        assert_eq!(collector.interval, Duration::from_secs(5));
        let expected = Sampler::ParentbasedTraceidratio { ratio: 0.25 };
        assert_eq!(collector.sampler, expected);
        assert_eq!(settings.service_name, "other");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let expected = [pair("team", "blue"), pair("service.version", "1.0")];
        assert_eq!(settings.resource, expected);
        assert_eq!(
            completed(&Config::default(), &[]).unwrap().service_name,
            "pets"
        );
    }

    #[test]
    fn what_cannot_work_is_told() {
        const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for (variables, expected) in [
            (
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318")][..],
                "ENDPOINT` is no",
            ),
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                "http/protobuf",
            ),
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "key")],
                "a list such as",
            ),
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c")],
                "`a b`",
            ),
            (&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "often")], "always_on"),
            (
                &[
                    ENDPOINT,
                    ("OTEL_TRACES_SAMPLER", "traceidratio"),
                    ("OTEL_TRACES_SAMPLER_ARG", "2"),
                ],
                "between 0 and 1",
            ),
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")],
                "milliseconds",
            ),
        ] {
            let said = completed(&Config::default(), variables).unwrap_err();
            assert!(said.contains(expected), "{variables:?}: {said}");
        }
    }

    #[test]
    fn stdout_belongs_to_the_protocol() {
        let audit = |to: &str| Config {
            audit: Some(Audit {
                to: to.into(),
                when_full: WhenFull::Drop,
            }),
            ..Config::default()
        };
        let emf = Config {
            emf: Some(Emf::default()),
            ..Config::default()
        };
        for (config, is_fine) in [
            (Config::default(), true),
            (audit("audit.jsonl"), true),
            (audit("stdout"), false),
            (emf, false),
        ] {
            let settings = completed(&config, &[]).unwrap();
            assert_eq!(settings.check_stdio().is_ok(), is_fine, "{config:?}");
        }
        let settings = completed(&audit("audit.jsonl"), &[]).unwrap();
        assert_eq!(
            settings.audit.unwrap().to,
            Path::new("/etc/wharf/audit.jsonl")
        );
    }
}
