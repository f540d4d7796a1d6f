//! Every rule of the standard as a row, and the hard cases that real documents hold.

mod bodies;
mod multiparts;
mod places;
mod roundtrip;
mod styles;

use http::Method;
use wharf_model::Slice;
use wharf_upstream::Request;

use super::{Complaint, build};
use crate::plan::{
    Body, BodyArguments, BodyEncoding, Location, Parameter, PartEncoding, PathPiece, Plan,
    Serialization, Style,
};

/// A plan for `GET /x` that everything else is put into.
fn plan() -> Plan {
    Plan {
        method: Method::GET,
        server: None,
        path: vec![PathPiece::Literal("/x".to_owned())],
        parameters: Vec::new(),
        body: None,
        choice: None,
        accept: String::new(),
        wraps_result: false,
        has_output_schema: false,
        drops_nulls: false,
        security: Vec::new(),
    }
}

/// An optional parameter whose argument has its name.
fn parameter(name: &str, location: Location, serialization: Serialization) -> Parameter {
    Parameter {
        argument: name.to_owned(),
        name: name.to_owned(),
        location,
        serialization,
        required: false,
    }
}

fn styled(style: Style, explode: bool) -> Serialization {
    Serialization::Style {
        style,
        explode,
        allow_reserved: false,
    }
}

/// A plan with one parameter; a path parameter stands as `/x/{…}/y`.
fn plan_with(parameter: Parameter) -> Plan {
    let mut plan = plan();
    if parameter.location == Location::Path {
        plan.path = vec![
            PathPiece::Literal("/x/".to_owned()),
            PathPiece::Parameter(0),
            PathPiece::Literal("/y".to_owned()),
        ];
    }
    plan.parameters.push(parameter);
    plan
}

/// A plan with a body.
fn posting(media_type: &str, encoding: BodyEncoding, arguments: BodyArguments) -> Plan {
    Plan {
        method: Method::POST,
        body: Some(Body {
            media_type: media_type.to_owned(),
            encoding,
            arguments,
            required: false,
            needed: Vec::new(),
        }),
        ..plan()
    }
}

fn whole() -> BodyArguments {
    BodyArguments::Whole("body".to_owned())
}

/// Members whose arguments have the properties' names.
fn members(properties: &[&str]) -> BodyArguments {
    BodyArguments::Members {
        members: properties
            .iter()
            .map(|property| ((*property).to_owned(), (*property).to_owned()))
            .collect(),
        open: false,
    }
}

/// How one property is written when the document says nothing.
fn plainly(property: &str) -> PartEncoding {
    PartEncoding {
        property: property.to_owned(),
        content_type: None,
        style: None,
        allow_reserved: false,
        file: false,
    }
}

fn request(plan: &Plan, arguments: &str) -> Request {
    try_request(plan, arguments).unwrap_or_else(|complaint| panic!("{arguments}: {complaint}"))
}

fn try_request(plan: &Plan, arguments: &str) -> Result<Request, Complaint> {
    build(plan, Slice::parse(arguments).unwrap())
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .map(|value| std::str::from_utf8(value.as_bytes()).unwrap())
}

fn body_text(request: &Request) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}
