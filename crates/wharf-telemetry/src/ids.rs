//! Ids: those that clients bring, and those that we make.
//!
//! Each is drawn from the system, at the time: a generator of our own would be copied with a snapshot of the process and
//! give the same ids in each copy.

use http::HeaderMap;
use wharf_model::TraceContext;

/// As long as what common proxies make, twice over.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The id that a client, or a proxy before us, gave to its request. Whatever could break a line, a header or a query for
/// a log is not taken.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let is_sane = (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(&byte));
    is_sane.then_some(id)
}

/// 128 random bits. Zero, which no id may be, is as unlikely as any other number.
pub(crate) fn long() -> u128 {
    u128::from_ne_bytes(random())
}

/// 64 random bits.
pub(crate) fn short() -> u64 {
    u64::from_ne_bytes(random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // Nothing that was started could do without: the system's generator does not fail once it is there.
        tracing::error!(%error, "the system gives no random numbers");
        bytes.fill(1);
    }
    bytes
}

/// The header of AWS X-Ray: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
pub(crate) const XRAY: &str = "x-amzn-trace-id";

/// The context in an X-Ray header: `Root=1-{8 digits}-{24 digits};Parent={16 digits};Sampled={0 or 1}`. A root without a
/// parent, as load balancers send it, gives the trace and no span; then the root's last digits stand for the span.
pub(crate) fn read_xray(header: &str) -> Option<TraceContext> {
    let field = |name: &str| {
        header.split(';').find_map(|field| {
            let (found, value) = field.trim().split_once('=')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    };
    let mut root = field("Root")?.split('-');
    let (version, time, rest) = (root.next()?, root.next()?, root.next()?);
    if version != "1" || time.len() != 8 || rest.len() != 24 || root.next().is_some() {
        return None;
    }
    let parent = field("Parent").filter(|parent| parent.len() == 16);
    let span = parent.unwrap_or(&rest[8..]);
    let flags = if field("Sampled") == Some("0") {
        "00"
    } else {
        "01"
    };
    TraceContext::parse(
        &format!("00-{time}{rest}-{span}-{flags}").to_ascii_lowercase(),
        None,
    )
}

/// A context as X-Ray writes it.
pub(crate) fn xray(context: &TraceContext) -> String {
    let trace = format!("{:032x}", context.trace_id);
    format!(
        "Root=1-{}-{};Parent={:016x};Sampled={}",
        &trace[..8],
        &trace[8..],
        context.span_id,
        u8::from(context.is_sampled())
    )
}

/// A trace id that X-Ray takes: the time comes first in it.
pub(crate) fn xray_trace(seconds: u64) -> u128 {
    let time = u128::from(seconds & 0xffff_ffff) << 96;
    time | long() >> 32
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_sane_ids_are_taken() {
        for (id, is_taken) in [
            ("4bf92f3577b34da6a3ce929d0e0e4736", true),
            ("Root=1-67891233-abcdef012345678912345678", true),
            ("a.b:c/d+e_f-g", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a;b", false),
            (&"x".repeat(REQUEST_ID_CHARS_MAX), true),
            (&"x".repeat(REQUEST_ID_CHARS_MAX + 1), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", HeaderValue::from_str(id).unwrap());
            assert_eq!(request_id(&headers).is_some(), is_taken, "{id:?}");
        }
        assert_eq!(request_id(&HeaderMap::new()), None);
    }

    #[test]
    fn xray_survives_the_trip() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let context = read_xray(header).unwrap();
        assert_eq!(
            context.traceparent(),
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
        );
        assert_eq!(xray(&context), header);
        for (header, expected) in [
            (
                "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793",
                Some("00-5759e988bd862e3fe1be46a994272793-e1be46a994272793-01"),
            ),
            (
                "Root=1-5759E988-BD862E3FE1BE46A994272793;Parent=53995C3F42CD8AD8;Sampled=0;Lineage=a",
                Some("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"),
            ),
            ("Root=2-5759e988-bd862e3fe1be46a994272793", None),
            ("Root=1-5759e988-bd862e3fe1be46a99427279é", None),
            ("Root=1-5759e988", None),
            ("Parent=53995c3f42cd8ad8", None),
            ("", None),
        ] {
            let read = read_xray(header).map(|context| context.traceparent());
            assert_eq!(read.as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn a_trace_of_ours_has_the_time_that_xray_wants() {
        let trace = format!("{:032x}", xray_trace(0x5759_e988));
        assert!(trace.starts_with("5759e988"), "{trace}");
        assert_ne!(xray_trace(1), xray_trace(1));
    }
}
