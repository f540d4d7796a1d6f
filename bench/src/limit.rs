//! The raw limit: the least that a server between MCP and an HTTP API can do for a call.
//!
//! One parse of the request with borrowed parts, one upstream request over a pooled connection, one validity scan of the
//! answer, one wrap of it as text and as structured content. It knows its four tools by heart, checks nothing, and turns
//! away nobody: no server can be faster on the same HTTP library, and none that does its job should want to be as fast.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

struct Limit {
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: SocketAddr,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: &'a RawValue,
}

#[derive(Deserialize)]
struct PathArgument<'a> {
    #[serde(borrow, rename = "petId")]
    pet_id: &'a RawValue,
}

#[derive(Deserialize)]
struct QueryArgument<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves the limit until the process ends.
pub async fn serve(listener: TcpListener, upstream: SocketAddr) -> io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let limit = Arc::new(Limit {
        client: Client::builder(TokioExecutor::new()).build(connector),
        upstream,
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let limit = Arc::clone(&limit);
        let service = service_fn(move |request| {
            let limit = Arc::clone(&limit);
            async move { Ok::<_, Infallible>(answer(&limit, request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(limit: &Limit, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match call(limit, request).await {
        Ok(body) => {
            let mut response = Response::new(Full::new(body));
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static("application/json"),
            );
            response
        }
        Err(failure) => {
            let mut response = Response::new(Full::new(failure.to_string().into()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

async fn call(limit: &Limit, request: Request<Incoming>) -> Result<Bytes, Failure> {
    let body = request.into_body().collect().await?.to_bytes();
    let message: Message<'_> = serde_json::from_slice(&body)?;
    let request = upstream_request(limit.upstream, &message.params)?;
    let response = limit.client.request(request).await?;
    let answer = response.into_body().collect().await?.to_bytes();
    wrap(message.id, &answer)
}

fn upstream_request(
    upstream: SocketAddr,
    params: &Params<'_>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let arguments = params.arguments.get();
    let (method, target, body) = match &*params.name {
        "getPet" => {
            let PathArgument { pet_id } = serde_json::from_str(arguments)?;
            (Method::GET, format!("/pets/{}", pet_id.get()), Bytes::new())
        }
        "listPets" => {
            let QueryArgument { status } = serde_json::from_str(arguments)?;
            (Method::GET, format!("/pets?status={status}"), Bytes::new())
        }
        "getReport" => (Method::GET, "/report".to_owned(), Bytes::new()),
        "addPet" => (
            Method::POST,
            "/pets".to_owned(),
            Bytes::copy_from_slice(arguments.as_bytes()),
        ),
        name => return Err(format!("no tool `{name}`").into()),
    };
    let uri: Uri = format!("http://{upstream}{target}").parse()?;
    let mut request = Request::builder().method(&method).uri(uri);
    if method == Method::POST {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    Ok(request.body(Full::new(body))?)
}

fn wrap(id: &RawValue, answer: &[u8]) -> Result<Bytes, Failure> {
    let structured: &RawValue = serde_json::from_slice(answer)?;
    let mut out = Vec::with_capacity(answer.len() * 5 / 2 + 200);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.get().as_bytes());
    out.extend_from_slice(
        br#","result":{"resultType":"complete","content":[{"type":"text","text":"#,
    );
    serde_json::to_writer(&mut out, structured.get())?;
    out.extend_from_slice(br#"}],"structuredContent":"#);
    out.extend_from_slice(structured.get().as_bytes());
    out.extend_from_slice(br#","isError":false}}"#);
    Ok(out.into())
}
