//! OpenAPI documents as a source of tools: reading, naming, schemas, requests, results.

mod plan;
mod request;
mod response;
