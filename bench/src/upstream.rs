//! The API behind everything that is measured: fixed answers, made once, and a counter. It takes traces as well.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::workload::Call;

/// Where the API tells how many calls it has answered.
pub const COUNT_TARGET: &str = "/count";

struct Api {
    pet: Bytes,
    list: Bytes,
    report: Bytes,
    answered: AtomicU64,
}

/// Serves the API until the process ends.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let api = Arc::new(Api {
        pet: Call::Get.answer(),
        list: Call::List.answer(),
        report: Call::Report.answer(),
        answered: AtomicU64::new(0),
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let api = Arc::clone(&api);
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        // A connection that breaks is the business of whoever is measured.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Api {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        // A request is only complete with its body.
        let _ = body.collect().await;
        let (status, body) = match (&head.method, head.uri.path()) {
            (&Method::GET, COUNT_TARGET) => {
                let count = self.answered.load(Ordering::Relaxed).to_string();
                return json(StatusCode::OK, count.into());
            }
            (&Method::GET, "/pets") => (StatusCode::OK, &self.list),
            (&Method::POST, "/pets") => (StatusCode::CREATED, &self.pet),
            (&Method::GET, "/report") => (StatusCode::OK, &self.report),
            (&Method::GET, path) if path.starts_with("/pets/") => (StatusCode::OK, &self.pet),
            (&Method::POST, "/v1/traces") => {
                return json(StatusCode::OK, Bytes::from_static(b"{}"));
            }
            _ => return json(StatusCode::NOT_FOUND, Bytes::from_static(b"null")),
        };
        self.answered.fetch_add(1, Ordering::Relaxed);
        json(status, body.clone())
    }
}

fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
